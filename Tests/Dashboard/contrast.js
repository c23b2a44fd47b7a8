// The contrast of each visible text with what lies behind it, after WCAG 2.2. Returns those that are below 4.5.
const LEAST = 4.5;
const numbers = (text) => (text.match(/[\d.]+/g) ?? []).map(Number);

const linear = (channel) => (channel <= 0.03928 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4);
const luminance = (colour) =>
  colour.slice(0, 3).reduce((sum, channel, place) => sum + linear(channel / 255) * [0.2126, 0.7152, 0.0722][place], 0);

function over(top, below) {
  const alpha = top.length > 3 ? top[3] : 1;
  return below.map((channel, place) => top[place] * alpha + channel * (1 - alpha));
}

function behind(node) {
  const layers = [];
  for (let at = node; at; at = at.parentElement) layers.push(numbers(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((sum, layer) => over(layer, sum), [255, 255, 255]);
}

function contrast(node) {
  const style = getComputedStyle(node);
  const isDrawn = node instanceof SVGElement;
  let back = behind(isDrawn ? node.closest(".panel") : node);
  const shape = node.closest(".node")?.querySelector("rect, polygon");
  const fill = shape ? numbers(getComputedStyle(shape).fill) : [];
  if (fill.length) back = over(fill, back);
  const front = over(numbers(isDrawn ? style.fill : style.color), back);
  const [low, high] = [luminance(front), luminance(back)].sort((one, other) => one - other);
  return (high + 0.05) / (low + 0.05);
}

const poor = [];
for (const node of document.querySelectorAll("h1, h2, h3, p, span, td, th, li, button, select, label, a, text")) {
  if (!node.textContent.trim() || !node.getClientRects().length || node.classList.contains("skip")) continue;
  const ratio = contrast(node);
  if (ratio < LEAST) poor.push([ratio.toFixed(2), node.tagName, node.textContent.slice(0, 40)]);
}
return poor;
