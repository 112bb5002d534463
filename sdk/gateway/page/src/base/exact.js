// Integers that may be larger than what a number holds exactly: the gateway sends those as strings.

/**
 * @param {number|string|bigint|null|undefined} value
 * @returns {bigint}
 */
export function big(value) {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return BigInt(Math.trunc(value));
  return /^-?\d+$/.test(value ?? "") ? BigInt(value) : 0n;
}

/** The nearest number, for pictures and rates. */
export function near(value) {
  return Number(value ?? 0) || 0;
}

/**
 * An integer in a text, or null.
 * @param {string} text
 * @returns {?bigint}
 */
export function integerIn(text) {
  const plain = text.trim().replace(/[,_\u202f\u2009 ]/g, "");
  const power = /^(-?\d+)(?:e|\*?10\^)(\d{1,2})$/i.exec(plain);
  if (power) return BigInt(power[1]) * 10n ** BigInt(power[2]);
  return /^-?\d+$/.test(plain) ? BigInt(plain) : null;
}

/** part / whole as a number from 0 to 1; 0 of nothing. */
export function ratio(part, whole) {
  const all = big(whole);
  return all > 0n ? Number(big(part) * 1000000n / all) / 1e6 : 0;
}
