// SPDX-License-Identifier: MIT
// The sketch that every team writes, on Bun, as wsd's users had it before:
// subscribe by topic, publish by topic. Added for the bench: PUBLISH over the
// same socket, an ACK when it has an id, and a free port that is printed.

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.env.PORT ?? 0),
  fetch(req, server) {
    if (new URL(req.url).pathname === "/ws" && server.upgrade(req)) return;
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

console.log(`ws://127.0.0.1:${server.port}/ws`);
