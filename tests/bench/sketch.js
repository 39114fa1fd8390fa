// SPDX-License-Identifier: MIT
// The sketch that every team writes, on Bun, as wsd's users had it before:
// subscribe by topic, publish by topic, over HTTP as well. Added for the bench:
// PUBLISH over the same socket, an ACK when it has an id, and a free port that
// is printed. With REDIS_URL it is the sketch's bridge as well.

const updates = /^\/v1\/tenants\/([^/]+)\/updates$/;

// A JSON document is one update, NDJSON is one a line.
async function publish(req, tenant) {
  const text = await req.text();
  const type = req.headers.get("content-type") ?? "";
  let count = 0;
  try {
    const lines = type.startsWith("application/x-ndjson") ? text.split("\n") : [text];
    for (const line of lines) {
      if (line === "") continue;
      JSON.parse(line); // is it JSON?
      server.publish(tenant, line);
      count++;
    }
  } catch (error) {
    return Response.json({ error: error.message }, { status: 400 });
  }
  return Response.json({ count });
}

const { TLS_CERT, TLS_KEY } = process.env;
const tls = TLS_CERT &&
  { cert: Bun.file(TLS_CERT), key: Bun.file(TLS_KEY) };

const server = Bun.serve({
  tls,
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 0),
  fetch(req, server) {
    const { pathname } = new URL(req.url);
    if (pathname === "/ws" && server.upgrade(req)) return;
    const match = pathname.match(updates);
    if (match && req.method === "POST") return publish(req, match[1]);
    return new Response("not found", { status: 404 });
  },
  websocket: {
    message(ws, message) {
      const msg = JSON.parse(message);
      switch (msg.type) {
        case "SUBSCRIBE":
          ws.subscribe(msg.tenantId);
          break;
        case "PUBLISH":
          server.publish(msg.tenantId, JSON.stringify(msg.data));
          if (msg.id !== undefined)
            ws.send(JSON.stringify({ type: "ACK", id: msg.id }));
          break;
      }
    },
  },
});

// What is published in Redis goes to the tenant that it names.
async function bridge(url) {
  const { default: Redis } = await import("ioredis");
  const redis = new Redis(url);
  redis.on("message", (channel, message) => {
    const { tenantId, ...rest } = JSON.parse(message);
    server.publish(tenantId, JSON.stringify(rest));
  });
  await redis.subscribe("job_updates");
}

if (process.env.REDIS_URL) await bridge(process.env.REDIS_URL);
console.log(`${tls ? "wss" : "ws"}://127.0.0.1:${server.port}/ws`);
