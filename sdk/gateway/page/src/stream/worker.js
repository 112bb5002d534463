// The shared worker: holds the one stream of this browser.
import { Hub } from "./hub.js";

const hub = new Hub();

self.onconnect = (event) => {
  const port = event.ports[0];
  const tab = hub.add((message) => port.postMessage(message));
  port.onmessage = (said) => hub.hear(tab, said.data);
};
