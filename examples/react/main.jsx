// The sketch's hook in a page, index.html, in StrictMode:
//
//   npm install react react-dom esbuild
//   npx esbuild main.jsx --bundle --jsx=automatic --servedir=. --outfile=main.js
//   wsd -v
//   wspub tenant-1 '{"job":7,"done":true}'

import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { useJobUpdates } from "./useJobUpdates.js";

function Jobs({ tenantId }) {
  const updates = useJobUpdates(tenantId);
  return (
    <ol id="updates">
      {updates.map((update, i) => <li key={i}>{JSON.stringify(update)}</li>)}
    </ol>
  );
}

function App() {
  const [tenantId, setTenantId] = useState("tenant-1");
  return (
    <>
      <label>
        Updates of <select value={tenantId} onChange={(event) => setTenantId(event.target.value)}>
          <option>tenant-1</option>
          <option>tenant-2</option>
          <option value="">nobody</option>
        </select>
      </label>
      {tenantId && <Jobs tenantId={tenantId} />}
    </>
  );
}

createRoot(document.querySelector("#app")).render(<StrictMode><App /></StrictMode>);
