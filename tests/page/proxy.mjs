// A reverse proxy under a path prefix, as nginx would be. It counts the streams of events that are
// open through it.
import http from "node:http";

/** @returns {Promise<{url: string, streams: number, close: function()}>} */
export async function startProxy(rig, prefix = "/quern") {
  const state = { streams: 0, opened: 0, lastIds: [] };
  const server = http.createServer((request, response) => {
    if (!request.url.startsWith(`${prefix}/`)) {
      response.writeHead(404).end();
      return;
    }
    const path = request.url.slice(prefix.length);
    const isStream = path.startsWith("/v1/events");
    const [host, port] = rig.address.split(":");
    const onward = http.request({ host, port, method: request.method, path,
      headers: request.headers }, (answer) => {
      if (isStream && answer.statusCode === 200) {
        state.streams += 1;
        state.opened += 1;
        state.lastIds.push(request.headers["last-event-id"] ?? "");
        response.on("close", () => {
          state.streams -= 1;
          onward.destroy();
        });
      }
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
      answer.on("error", () => response.destroy());
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  state.url = `http://127.0.0.1:${server.address().port}${prefix}`;
  state.close = () => {
    server.closeAllConnections();
    server.close();
  };
  return state;
}
