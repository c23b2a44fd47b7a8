// Small helpers: elements whose text is always text, and numbers as people read them.

const SVG = "http://www.w3.org/2000/svg";

function build(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? "" : String(value));
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/// An element of HTML. Children are nodes or texts, never markup.
export const html = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);

/// An element of SVG.
export const svg = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

export const byID = (id) => document.getElementById(id);

/// Sets a text, if it is another one.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/// A number with so many digits that three of them matter.
export function digits(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 100) return Math.round(value).toLocaleString("en-US");
  if (size >= 10) return value.toFixed(1);
  return size === 0 ? "0" : value.toFixed(2);
}

export const whole = (value) => (Number.isFinite(value) ? Math.round(value).toLocaleString("en-US") : "–");

export const percent = (share, places = 0) => (Number.isFinite(share) ? `${(share * 100).toFixed(places)} %` : "–");

/// Seconds as milliseconds, seconds or minutes.
export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 1) return `${digits(seconds * 1000)} ms`;
  if (seconds < 60) return `${digits(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min ${Math.floor(seconds % 60)} s` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export const clock = (date) => date.toLocaleTimeString("en-GB");

/// A token's text with its spaces and line ends to be seen.
export function visible(text) {
  const shown = text.replace(/ /g, "·").replace(/\r/g, "␍").replace(/\n/g, "⏎").replace(/\t/g, "⇥");
  // Other control characters would draw nothing.
  return shown.replace(/[\u0000-\u001f\u007f]/g, "␣") || "∅";
}

export function shorten(text, length) {
  const characters = [...text];
  return characters.length > length ? `${characters.slice(0, length - 1).join("")}…` : text;
}
