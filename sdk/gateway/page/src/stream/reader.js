// Server-sent events read with fetch: unlike EventSource it can name the event after which to go
// on, so a stream that was closed while nobody looked continues where it was.

/** @typedef {{type: string, id: string, data: string}} StreamEvent */

/** Parses a stream of events, block by block. */
export class EventParser {
  constructor() {
    this.text = "";
  }

  /**
   * @param {string} block
   * @returns {StreamEvent[]} the events that are complete
   */
  feed(block) {
    this.text += block;
    const whole = this.text.split("\n\n");
    this.text = whole.pop();
    return whole.map(parse).filter(Boolean);
  }
}

function parse(block) {
  const event = { type: "message", id: "", data: "" };
  let isEmpty = true;
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon <= 0) continue;  // a comment
    const value = line.slice(colon + 1).replace(/^ /, "");
    const field = line.slice(0, colon);
    if (field === "data") event.data += (event.data && "\n") + value;
    else if (field === "event") event.type = value;
    else if (field === "id") event.id = value;
    else continue;
    isEmpty = false;
  }
  return isEmpty ? null : event;
}

/**
 * Reads a stream to its end.
 * @param {string} url
 * @param {{lastId: string, signal: AbortSignal, onOpen: function(), onEvent: function(StreamEvent),
 *   onSign: function()}} options onSign: something came, perhaps only a comment
 * @returns {Promise<number>} the status of an answer that is no stream; 200 after the end
 */
export async function readEvents(url, { lastId, signal, onOpen, onEvent, onSign }) {
  const headers = { Accept: "text/event-stream" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const response = await fetch(url, { headers, signal, credentials: "same-origin",
    cache: "no-store" });
  if (!response.ok || !response.body) return response.status;
  onOpen();
  const parser = new EventParser();
  const decoder = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return 200;
    onSign();
    for (const event of parser.feed(decoder.decode(value, { stream: true }))) onEvent(event);
  }
}
