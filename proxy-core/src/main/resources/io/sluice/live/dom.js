// Elements and figures. What comes from outside becomes text, never markup.

const SVG = 'http://www.w3.org/2000/svg';

/** An element; the attributes class, text and on… are what they say. Children may be strings. */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) {
      continue;
    }
    if (name === 'text') {
      element.textContent = value;
    } else if (name.startsWith('on')) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? '' : value);
    }
  }
  element.append(...children.filter(child => child !== null && child !== undefined));
  return element;
}

/** Sets text only where it differs, so that a selection or a screen reader is not disturbed. */
export function say(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** A line through values of the last while. */
export function spark() {
  const svg = document.createElementNS(SVG, 'svg');
  svg.setAttribute('class', 'spark');
  svg.setAttribute('viewBox', '0 0 30 10');
  svg.setAttribute('preserveAspectRatio', 'none');
  svg.setAttribute('aria-hidden', 'true');
  svg.append(document.createElementNS(SVG, 'polyline'));
  return svg;
}

export function drawSpark(svg, values) {
  const most = Math.max(...values, 0);
  svg.firstChild.setAttribute('points', most === 0 ? '' : values.map((value, i) =>
    `${30 - values.length + i + 0.5},${(9.5 - 9 * value / most).toFixed(1)}`).join(' '));
}

/** Two bars, of what half and 99 of 100 took, from 0.1 ms to 10 s by powers of ten. */
export function bar() {
  return el('div', {class: 'bar', 'aria-hidden': 'true'}, el('i'), el('i'));
}

export function drawBar(element, half, most) {
  element.children[0].style.width = width(most);
  element.children[1].style.width = width(half);
}

function width(ms) {
  return ms === null ? '0' : `${Math.min(100, Math.max(2, 20 * (Math.log10(Math.max(ms, 0.1)) + 1))).toFixed(0)}%`;
}

const whole = new Intl.NumberFormat('en', {maximumFractionDigits: 0});

export function count(value) {
  return whole.format(value);
}

export function rate(value) {
  return value === 0 ? '0' : value < 10 ? value.toFixed(1) : whole.format(value);
}

export function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let left = value;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit++;
  }
  return `${unit === 0 || left >= 100 ? Math.round(left) : left.toFixed(1)} ${units[unit]}`;
}

function duration(ms) {
  return ms >= 1000 ? `${(ms / 1000).toPrecision(2)}s` : Number(ms.toPrecision(2)).toString();
}

/** What half and 99 of 100 took. */
export function latency(half, most) {
  return half === null || half === undefined ? '–' : `${duration(half)} / ${duration(most)} ms`.replace(/s ms$/, 's');
}

export function ago(instant) {
  const seconds = Math.max(0, (Date.now() - Date.parse(instant)) / 1000);
  return seconds < 90 ? `${Math.round(seconds)} s` : seconds < 5400 ? `${Math.round(seconds / 60)} min`
    : seconds < 129600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}
