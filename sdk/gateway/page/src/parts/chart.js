// Lines over time. The library is loaded when the first chart is shown.
import { h, keep, lives } from "../base/dom.js";
import { colour } from "../base/theme.js";

const LEAST_MS = 60_000;  // so that the first seconds do not fill the whole chart

function spanOf(rows) {
  const last = rows[rows.length - 1][0].getTime();
  return [Math.min(rows[0][0].getTime(), last - LEAST_MS), last];
}

/**
 * @param {{label: string, series: Array<{name: string, colour: string}>, unit: function(number):
 *   string, height?: number}} options
 * @returns {{place: function(): Element, update: function(Array<Array<*>>), remove: function()}}
 *   rows: [Date, number, ...]
 */
export function chart({ label, series, unit, height = 200 }) {
  const canvas = h("div.chart-canvas", { "aria-hidden": "true", style: { height: `${height}px` } });
  const readout = h("span.at-pointer", { "aria-hidden": "true" });
  const box = lives(h("figure.chart", { "aria-label": label }, canvas,
    h("figcaption", null, series.map((one) => h("span.series", null,
      h("i", { style: { background: `var(${one.colour})` } }), one.name)), readout)));
  let drawn = null;
  let rows = [];
  let isGone = false;

  const options = () => ({
    labels: ["Time", ...series.map((one) => one.name)],
    colors: series.map((one) => colour(one.colour)),
    axisLineColor: colour("--line"), gridLineColor: colour("--line-soft"), axisLabelColor: "",
    fillGraph: true, fillAlpha: 0.1, strokeWidth: 1.75, legend: "never", axisLabelFontSize: 11,
    includeZero: true, labelsUTC: false, rightGap: 8, highlightCircleSize: 3,
    drawAxesAtZero: false, connectSeparatedPoints: true, dateWindow: spanOf(rows),
    highlightCallback: (_, time, points) => {
      readout.textContent = `${new Date(time).toLocaleTimeString()}: ` +
        points.map((one) => unit(one.yval)).join(", ");
    },
    unhighlightCallback: () => { readout.textContent = ""; },
    axes: {
      x: { drawGrid: false, axisLabelWidth: 64 },
      y: { axisLabelFormatter: (value) => unit(value), axisLabelWidth: 64, pixelsPerLabel: 40 },
    },
  });
  const draw = async () => {
    if (rows.length < 2 || isGone || !canvas.isConnected) return;
    if (drawn) return drawn.updateOptions({ file: rows, dateWindow: spanOf(rows) });
    const { default: Dygraph } = await import("dygraphs");
    if (isGone || drawn || !canvas.isConnected) return;
    // The legend writes style attributes, which the policy of the page forbids. Ours is below.
    Dygraph.PLUGINS = Dygraph.PLUGINS.filter((one) => one !== Dygraph.Plugins.Legend);
    drawn = new Dygraph(canvas, rows, options());
  };
  const onTheme = () => drawn?.updateOptions(options());
  window.addEventListener("quern-theme", onTheme);
  const system = matchMedia("(prefers-color-scheme: dark)");
  system.addEventListener("change", onTheme);
  return {
    place: () => keep(box),
    update: (given) => {
      rows = given;
      requestAnimationFrame(draw);
    },
    remove: () => {
      isGone = true;
      drawn?.destroy();
      window.removeEventListener("quern-theme", onTheme);
      system.removeEventListener("change", onTheme);
    },
  };
}
