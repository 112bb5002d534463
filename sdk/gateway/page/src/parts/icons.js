// Icons as strokes on a grid of 16, drawn for this page.
import { h } from "../base/dom.js";

const PATHS = {
  overview: "M2 13.5h12M3.5 10.5l3-4 2.5 2.5 3.5-5.5",
  jobs: "M2.5 3.5h11M2.5 8h11M2.5 12.5h7",
  workers: "M2.5 2.5h11v4.5h-11zM2.5 9h11v4.5h-11zM5 4.75h.01M5 11.25h.01",
  functions: "M2.5 2.5h11v11h-11zM2.5 6.2h11M2.5 9.8h11M6.2 2.5v11M9.8 2.5v11",
  errors: "M8 2.2l6.2 11.1H1.8zM8 6.5v3.2M8 11.6h.01",
  schedules: "M2.5 3.5h11v10h-11zM2.5 6.5h11M5.5 2v3M10.5 2v3M8 8.5v2.2h1.8",
  submit: "M8 13V3.5M3.8 7.5L8 3.3l4.2 4.2",
  work: "M10.8 2.6l2.6 2.6-7.6 7.6-3.3.7.7-3.3z",
  audit: "M3.5 2h6l3 3v9h-9zM5.8 7.5h4.4M5.8 10.5h4.4",
  waiting: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2zM8 4.8V8l2.2 1.6",
  blocked: "M4 2.5h8M4 13.5h8M5 2.5c0 3 6 5 6 8v3M11 2.5c0 3-6 5-6 8v3",
  running: "M5 3.2l7.5 4.8L5 12.8z",
  done: "M2.8 8.6l3.4 3.4 7-7.6",
  failed: "M4 4l8 8M12 4l-8 8",
  cancelled: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2zM4 12l8-8",
  paused: "M5.5 3.5v9M10.5 3.5v9",
  lost: "M5.8 5.8a2.3 2.3 0 114 1.6c-.8.8-1.8 1.1-1.8 2.2M8 12.4h.01",
  idle: "M8 4.5a3.5 3.5 0 100 7 3.5 3.5 0 000-7z",
  draining: "M8 2.5v8M4.5 7.5L8 11l3.5-3.5M3 13.5h10",
  search: "M7 2.5a4.5 4.5 0 100 9 4.5 4.5 0 000-9zM10.3 10.3l3.2 3.2",
  close: "M4 4l8 8M12 4l-8 8",
  menu: "M2.5 4.5h11M2.5 8h11M2.5 11.5h11",
  sun: "M8 5.2a2.8 2.8 0 100 5.6 2.8 2.8 0 000-5.6zM8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4" +
    "M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1",
  moon: "M13.2 9.6A5.6 5.6 0 016.4 2.8a5.6 5.6 0 106.8 6.8z",
  auto: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2zM8 2.2v11.6M8 5h4.6M8 8h5.7M8 11h4.6",
  retry: "M13 8a5 5 0 11-1.6-3.7M13.2 2.2v2.9h-2.9",
  download: "M8 2.5v8M4.5 7.2L8 10.7l3.5-3.5M2.5 13.5h11",
  next: "M6 3.5L10.5 8 6 12.5",
  back: "M10 3.5L5.5 8l4.5 4.5",
  help: "M8 2.2a5.8 5.8 0 100 11.6A5.8 5.8 0 008 2.2z" +
    "M6.3 6.4a1.7 1.7 0 113 1.2c-.6.5-1.3.8-1.3 1.6M8 11.3h.01",
  user: "M8 2.8a2.6 2.6 0 100 5.2 2.6 2.6 0 000-5.2zM3 13.5c.4-2.6 2.4-4 5-4s4.6 1.4 5 4",
  out: "M6.5 2.5h-3v11h3M7 8h6.5M10.8 5.2L13.5 8l-2.7 2.8",
  skip: "M3.5 3.5l6 4.5-6 4.5zM12.5 3.5v9",
  dot: "M8 8h.01",
};

/** @param {string} name of PATHS @returns {Element} hidden from screen readers: words say it */
export function icon(name) {
  return h("svg.icon", { viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
    h("path", { d: PATHS[name] ?? PATHS.dot }));
}

/** The mark of Quern: a millstone from above. */
export function mark() {
  return h("svg.mark", { viewBox: "0 0 32 32", "aria-hidden": "true", focusable: "false" },
    h("rect", { width: 32, height: 32, rx: 8 }),
    h("path", { d: "M16 6.2a9.8 9.8 0 100 19.6 9.8 9.8 0 000-19.6zM16 6.2v4.3M25.8 16h-4.3" +
      "M16 25.8v-4.3M6.2 16h4.3M16 14.6a1.4 1.4 0 100 2.8 1.4 1.4 0 000-2.8z" }));
}
