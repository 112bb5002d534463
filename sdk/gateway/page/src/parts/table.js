// Tables: columns as data, rows by key, a shape for narrow screens.
import { h } from "../base/dom.js";
import { link } from "../base/route.js";
import { icon } from "./icons.js";

/**
 * @typedef {{name: string, cell: function(*): *, kind?: string,
 *   sort?: string}} Column
 */

/**
 * @param {string} label what the table shows, for screen readers
 * @param {Column[]} columns
 * @param {Array<*>} rows
 * @param {{key: function(*): *, sorted?: string, onSort?: function(string)}} options
 */
export function table(label, columns, rows, { key, sorted, onSort }) {
  const order = (column) => sorted === column.sort ? "ascending"
    : sorted === `-${column.sort}` ? "descending" : null;
  return h("div.table-frame", { tabindex: 0, role: "group", "aria-label": label },
    h("table", { "aria-label": label },
      h("thead", null, h("tr", null, columns.map((column) =>
        h("th", { class: column.kind ?? "", scope: "col", "aria-sort": order(column) },
          column.sort && onSort ? sorter(column, order(column), onSort) : column.name)))),
      h("tbody", null, rows.map((row) =>
        h("tr", { key: key(row) }, columns.map((column) =>
          h("td", { class: column.kind ?? "", "data-name": column.name }, column.cell(row))))))));
}

function sorter(column, order, onSort) {
  const next = order === "descending" ? column.sort : `-${column.sort}`;
  return h("button.sorter", { type: "button", onclick: () => onSort(next) }, column.name,
    h("span.order", { "aria-hidden": "true" },
      order === "ascending" ? "↑" : order === "descending" ? "↓" : ""));
}

/** Rows in the order of "column" or "-column". @param {Object<string, function(*): *>} values */
export function ordered(rows, sorted, values) {
  const value = values[sorted.replace(/^-/, "")];
  if (!value) return rows;
  const sign = sorted.startsWith("-") ? -1 : 1;
  const compare = (a, b) => a < b ? -sign : a > b ? sign : 0;
  return [...rows].sort((a, b) => compare(value(a), value(b)));
}

/**
 * A part of many rows that are all here, and the way to the others.
 * @param {import("./view.js").View} view keeps the page in its parameter "page"
 * @returns {{shown: Array<*>, pager: ?Element}}
 */
export function paged(view, rows, size) {
  const pages = Math.max(1, Math.ceil(rows.length / size));
  const at = Math.min(pages - 1, Math.max(0, Number(view.param("page") || 1) - 1));
  const to = (page) => () => {
    view.setParams({ page: page ? page + 1 : "" });
    view.redraw();
  };
  const shown = rows.slice(at * size, (at + 1) * size);
  if (pages === 1) return { shown, pager: null };
  return { shown, pager: h("div.pager", null,
    h("button.small", { type: "button", disabled: at === 0, onclick: to(at - 1) },
      icon("back"), "Previous"),
    h("span", null, `${at * size + 1} to ${at * size + shown.length} of ${rows.length}`),
    h("button.small", { type: "button", disabled: at + 1 >= pages, onclick: to(at + 1) },
      "Next", icon("next"))) };
}

/** A job as a link: its name, or else its function. */
export function jobLink(job) {
  return h("a.title", { href: link("jobs", job.job) }, job.name || job.function);
}
