// The jobs around one job, and where each stands in the picture. Knows nothing of the browser.

const LEVELS = 4, MOST = 60, PER_LEVEL = 10;
const LISTED = 100;  // the API lists no more edges or consumers of a job

/**
 * @typedef {{from: number, to: number, pattern: string, width?: number, step?: number,
 *   ended?: boolean}} Edge
 * @typedef {{level: number, count: number, isMore: boolean}} Rest jobs that are not shown: in
 *   which column they would be; isMore: there may be even more
 * @typedef {{centre: number, jobs: Map<number, Object>, rests: Rest[]}} Neighbourhood
 */

const BEFORE = {
  of: (job) => (job.edges ?? []).map((edge) => edge.job),
  isCut: (job) => (job.edges ?? []).length >= LISTED,
};
const AFTER = { of: (job) => job.consumers ?? [],
  isCut: (job) => (job.consumers ?? []).length >= LISTED };

/**
 * Fetches ancestors and descendants, level by level, as many as a picture can show.
 * @param {Object} centre a job
 * @param {function(number): Promise<?Object>} fetchJob null: the broker does not know it any more
 * @returns {Promise<Neighbourhood>}
 */
export async function around(centre, fetchJob) {
  const jobs = new Map([[centre.job, centre]]);
  const rests = [];
  const sides = [{ ...BEFORE, sign: -1, last: [centre] }, { ...AFTER, sign: 1, last: [centre] }];
  for (let level = 1; level <= LEVELS + 1; ++level) {
    for (const side of sides) {
      const wanted = [...new Set(side.last.flatMap(side.of))].filter((number) => !jobs.has(number))
        .sort((a, b) => a - b);
      const room = level > LEVELS ? 0 : Math.min(PER_LEVEL, MOST - jobs.size);
      const chosen = wanted.slice(0, room);
      const isMore = side.last.some(side.isCut);
      const found = await Promise.all(chosen.map(fetchJob));
      side.last = found.filter(Boolean);
      chosen.forEach((number, n) => jobs.set(number, found[n] ?? { job: number, isGone: true }));
      const count = wanted.length - chosen.length;
      if (count > 0) rests.push({ level: side.sign * level, count, isMore });
    }
  }
  return { centre: centre.job, jobs, rests };
}

/** The edges between jobs that are shown. @returns {Edge[]} */
export function edgesBetween(jobs) {
  const edges = [];
  const known = new Set();
  for (const job of jobs.values()) {
    for (const edge of job.edges ?? []) {
      if (!jobs.has(edge.job)) continue;
      edges.push({ ...edge, from: edge.job, to: job.job });
      known.add(`${edge.job} ${job.job}`);
    }
  }
  // A consumer has more edges than the API lists, or is gone.
  for (const job of jobs.values()) {
    for (const to of job.consumers ?? []) {
      if (jobs.has(to) && !known.has(`${job.job} ${to}`)) {
        edges.push({ from: job.job, to, pattern: "unknown" });
      }
    }
  }
  return edges;
}

/**
 * The column of each job: the longest way from the job in the middle, to the left for those
 * before it. A job is younger than all jobs that it depends on, so one pass by number is enough.
 */
function columnsOf(centre, jobs, edges) {
  const columns = new Map([[centre, 0]]);
  const numbers = [...jobs.keys()].sort((a, b) => a - b);
  for (const number of numbers.filter((one) => one > centre)) {
    const before = edges.filter((edge) => edge.to === number && columns.has(edge.from));
    columns.set(number, Math.max(1, ...before.map((edge) => columns.get(edge.from) + 1)));
  }
  for (const number of numbers.filter((one) => one < centre).reverse()) {
    const after = edges.filter((edge) => edge.from === number && columns.get(edge.to) <= 0);
    columns.set(number, Math.min(-1, ...after.map((edge) => columns.get(edge.to) - 1)));
  }
  return columns;
}

/**
 * Columns and rows. Within a column, jobs are in the order of the middle of their neighbours that
 * have a place already, so that fewer edges cross.
 * @param {Neighbourhood} neighbourhood
 * @returns {{places: Array<{column: number, row: number, job?: Object, rest?: Rest}>,
 *   edges: Edge[], columns: number, rows: number}} column from 0; rows may be fractions
 */
export function layoutOf({ centre, jobs, rests }) {
  const edges = edgesBetween(jobs);
  const columns = columnsOf(centre, jobs, edges);
  const cells = new Map();
  const put = (column, cell) => cells.set(column, [...(cells.get(column) ?? []), cell]);
  for (const job of jobs.values()) put(columns.get(job.job), { job });
  for (const rest of rests) put(rest.level, { rest });
  const order = [...cells.keys()].sort((a, b) => a - b);
  const rows = Math.max(...[...cells.values()].map((column) => column.length));
  const rowOf = new Map();
  const middle = ({ job }) => {
    if (!job) return Infinity;  // what is not shown is at the bottom
    const near = edges.flatMap((edge) => edge.to === job.job ? [edge.from]
      : edge.from === job.job ? [edge.to] : []).filter((one) => rowOf.has(one));
    return near.length ? near.reduce((sum, one) => sum + rowOf.get(one), 0) / near.length : rows;
  };
  const places = [];
  // From the job in the middle outwards.
  for (const column of [...order].sort((a, b) => Math.abs(a) - Math.abs(b))) {
    const sorted = cells.get(column).map((cell) => ({ ...cell, at: middle(cell) }))
      .sort((a, b) => a.at === b.at ? (a.job?.job ?? 0) - (b.job?.job ?? 0) : a.at - b.at);
    sorted.forEach(({ job, rest }, n) => {
      const row = n + (rows - sorted.length) / 2;
      if (job) rowOf.set(job.job, row);
      places.push({ column: order.indexOf(column), row, job, rest });
    });
  }
  places.sort((a, b) => a.column - b.column || a.row - b.row);
  return { places, edges, columns: order.length, rows };
}

/** Whether the jobs next to this one have changed. */
export function hasOtherNeighbours(before, now) {
  const list = (job) => JSON.stringify([BEFORE.of(job), AFTER.of(job)]);
  return list(before) !== list(now);
}

/** Whether a job depends on others, or others on it. */
export function hasNeighbours(job) {
  return BEFORE.of(job).length > 0 || AFTER.of(job).length > 0;
}
