// The sketch's hook. It loses what is published while it is not connected, and
// does not connect again; useUpdates in clients/js does both.

import { useEffect, useState } from "react";

export function useJobUpdates(tenantId) {
  const [updates, setUpdates] = useState([]);

  useEffect(() => {
    const ws = new WebSocket("ws://localhost:3000/ws");
    ws.onopen = () => ws.send(JSON.stringify({type: "SUBSCRIBE", tenantId}));
    ws.onmessage = (event) => setUpdates((old) => [...old, JSON.parse(event.data)]);
    return () => ws.close();
  }, [tenantId]);

  return updates;
}
