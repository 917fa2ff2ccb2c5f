// The page: follows /api/v1/live and shows Services, problems and totals.

import {bar, bytes, count, drawBar, drawSpark, el, latency, rate, say, spark} from './dom.js';
import {Detail} from './detail.js';
import {VirtualList} from './list.js';
import {Refused, events} from './stream.js';

const HISTORY = 30;
const HIDDEN_MS = 20_000;
const LONGEST_RETRY_MS = 15_000;

/** What a Service's state is called, and how bad it is. */
const STATES = {failed: ['✕ failed', 4], empty: ['○ no endpoint', 3], ejected: ['▲ ejected', 2], ok: ['● ok', 1],
  none: ['– not proxied', 0]};

/** The figures of a Service, in the order of the server's. */
const FIGURES = ['state', 'ready', 'total', 'ejected', 'draining', 'open', 'rate', 'bytes', 'c50', 'c99', 'f50', 'f99'];

const COLUMNS = [
  {id: 'name', title: 'Service', of: row => row.sortName},
  {id: 'state', title: 'State', of: row => -STATES[row.state][1]},
  {id: 'addresses', title: 'Addresses', wide: true, of: row => row.addresses},
  {id: 'endpoints', title: 'Endpoints', of: row => -row.ready},
  {id: 'open', title: 'Open', num: true, of: row => -row.open},
  {id: 'rate', title: 'New per s', num: true, of: row => -row.rate},
  {id: 'bytes', title: 'Bytes per s', num: true, wide: true, of: row => -row.bytes},
  {id: 'connect', title: 'Connect p50/p99', wide: true, of: row => -(row.c99 ?? -1)},
  {id: 'first', title: 'First byte p50/p99', wide: true, of: row => -(row.f99 ?? -1)},
];

const $ = id => document.getElementById(id);
const services = new Map();
const narrow = matchMedia('(max-width: 1100px)');
const wanted = {text: '', namespace: '', trouble: '', sort: 'name', down: false};
let list;
let detail;
let opened = '';

/* ---- the table ---- */

function makeRow() {
  const name = el('div', {class: 'name', role: 'cell'}, el('a', {href: '#'}), ' ', el('small'));
  const cell = (kind, title, ...children) => el('div', {class: kind, role: 'cell'},
    el('span', {class: 'cellname', text: `${title} `}), ...children);
  const line = spark();
  const parts = {name: name.firstChild, type: name.lastChild, state: el('span'), addresses: el('span'),
    endpoints: el('span'), open: el('span'), line, rate: el('span'), bytes: el('span'),
    connect: el('span'), connectBar: bar(), first: el('span'), firstBar: bar()};
  const row = el('div', {class: 'row', role: 'row'}, name,
    el('div', {class: 'state', role: 'cell'}, parts.state),
    el('div', {class: 'addresses wide faint', role: 'cell'}, parts.addresses),
    el('div', {class: 'endpoints', role: 'cell'}, parts.endpoints),
    cell('num', 'open', parts.open),
    el('div', {class: 'figure', role: 'cell'}, line, el('span', {class: 'cellname', text: '/s '}), parts.rate),
    cell('num wide', 'B/s', parts.bytes),
    cell('wide latency', 'connect', parts.connect, parts.connectBar),
    cell('wide latency', 'first byte', parts.first, parts.firstBar));
  row.parts = parts;
  return row;
}

function fillRow(element, {service: of}, index) {
  const parts = element.parts;
  element.setAttribute('aria-rowindex', index + 2);
  element.classList.toggle('open', of.key === opened);
  say(parts.name, `${of.namespace}/${of.name}`);
  parts.name.href = `#/${encodeURIComponent(of.namespace)}/${encodeURIComponent(of.name)}`;
  say(parts.type, `${of.type} ${of.ports}`);
  say(parts.state, STATES[of.state][0]);
  parts.state.className = of.state;
  parts.state.parentNode.title = of.why;
  say(parts.addresses, of.addresses);
  say(parts.endpoints, `${of.ready} of ${of.total}${of.ejected ? `, ${of.ejected} ejected` : ''}`
    + (of.draining ? `, ${of.draining} draining` : ''));
  say(parts.open, count(of.open));
  say(parts.rate, rate(of.rate));
  drawSpark(parts.line, of.history);
  say(parts.bytes, bytes(of.bytes));
  say(parts.connect, latency(of.c50, of.c99));
  drawBar(parts.connectBar, of.c50, of.c99);
  say(parts.first, latency(of.f50, of.f99));
  drawBar(parts.firstBar, of.f50, of.f99);
}

function chosen() {
  const words = wanted.text.toLowerCase().split(/\s+/).filter(word => word);
  const found = [];
  for (const service of services.values()) {
    if ((wanted.namespace === '' || service.namespace === wanted.namespace)
        && (wanted.trouble === '' || (wanted.trouble === 'trouble' ? STATES[service.state][1] > 1 : service.open > 0))
        && words.every(word => service.text.includes(word))) {
      found.push(service);
    }
  }
  const of = COLUMNS.find(column => column.id === wanted.sort).of;
  const way = wanted.down ? -1 : 1;
  found.sort((a, b) => {
    const [left, right] = [of(a), of(b)];
    return left < right ? -way : left > right ? way : a.sortName < b.sortName ? -1 : 1;
  });
  return found;
}

function show() {
  const found = chosen();
  $('services').setAttribute('aria-rowcount', found.length + 1);
  say($('shown'), found.length === services.size ? `${count(found.length)} Services`
    : `${count(found.length)} of ${count(services.size)} Services`);
  list.show(found.map(service => ({key: service.id, service})));
}

function sortBy(id) {
  wanted.down = wanted.sort === id && !wanted.down;
  wanted.sort = id;
  $('sort').value = id;
  for (const head of $('head').children) {
    if (head.dataset.id === id) {
      head.setAttribute('aria-sort', wanted.down ? 'descending' : 'ascending');
    } else {
      head.removeAttribute('aria-sort');
    }
  }
  show();
}

/* ---- what the server says ---- */

const HANDLERS = {
  begin(data) {
    services.clear();
    say($('version'), data.version);
  },
  health: showHealth,
  full(why) {
    throw new Refused(why);
  },
  services(rows) {
    for (const row of rows) {
      const known = services.get(row.id);
      services.set(row.id, Object.assign(known ?? {history: [], state: 'none', ready: 0, total: 0, ejected: 0, draining: 0,
        open: 0, rate: 0, bytes: 0, c50: null, c99: null, f50: null, f99: null}, row, {
        key: `${row.namespace}/${row.name}`, sortName: `${row.namespace}\u0000${row.name}`,
        text: `${row.namespace}/${row.name} ${row.type} ${row.addresses} ${row.ports} ${row.why}`.toLowerCase()}));
    }
    showNamespaces();
  },
  gone(ids) {
    ids.forEach(id => services.delete(id));
    showNamespaces();
  },
  figures(rows) {
    for (const [id, ...figures] of rows) {
      const service = services.get(id);
      if (service) {
        FIGURES.forEach((name, i) => {
          service[name] = figures[i];
        });
      }
    }
  },
  tick(data) {
    for (const service of services.values()) {
      if (service.rate > 0 || service.history.length > 0) {
        service.history.push(service.rate);
        if (service.history.length > HISTORY) {
          service.history.shift();
        }
        if (service.history.every(value => value === 0)) {
          service.history = [];
        }
      }
    }
    showTotals(data);
    linked();
    show();
  },
};

function showTotals(data) {
  const totals = [['Services', count(services.size)], ['open', count(data.open)], ['new/s', rate(data.rate)],
    ['bytes/s', bytes(data.bytes)]];
  const holder = $('totals');
  if (holder.children.length === 0) {
    holder.append(...totals.map(([name]) => el('div', {}, el('dt', {text: name}), el('dd'))));
  }
  totals.forEach(([, value], i) => say(holder.children[i].lastChild, value));
}

function showNamespaces() {
  const names = [...new Set([...services.values()].map(service => service.namespace))].sort();
  const select = $('namespace');
  if (names.join('\n') !== [...select.options].slice(1).map(option => option.value).join('\n')) {
    select.replaceChildren(el('option', {value: '', text: 'all'}),
      ...names.map(name => el('option', {value: name, text: name})));
    select.value = names.includes(wanted.namespace) ? wanted.namespace : '';
    wanted.namespace = select.value;
  }
}

function showHealth(health) {
  document.title = health.node ? `sluice ${health.node}` : 'sluice';
  const problems = [];
  const add = (mild, title, text, href) => problems.push(el('li', {class: mild ? 'warning' : ''},
    el('b', {text: title}), ' ', href ? el('a', {href, text}) : text));
  if (health.draining) {
    add(true, 'Draining', 'this process is ending: it takes no new connections');
  } else if (!health.synced || !health.applied) {
    add(false, 'Not ready', `the Services are not known yet: ${health.detail}`);
  } else if (!health.current) {
    add(true, 'Out of date', `the last good state is served: ${health.detail}`);
  }
  for (const of of health.failedListeners) {
    add(false, of.address, `${of.problem} (${of.namespace}/${of.service})`,
      `#/${encodeURIComponent(of.namespace)}/${encodeURIComponent(of.service)}`);
  }
  for (const of of health.problems) {
    add(of.severity !== 'Error', [of.location, of.subject].filter(part => part).join(' '), of.message);
  }
  for (const [resource, problem] of Object.entries(health.resources)) {
    add(true, resource, problem);
  }
  if (health.more > 0) {
    add(true, '…', `and ${count(health.more)} more: /readyz lists them`);
  }
  $('problems').hidden = problems.length === 0;
  $('problems').classList.toggle('mild', problems.every(problem => problem.className === 'warning'));
  $('problem-list').replaceChildren(...problems);
}

/* ---- the connection to the server ---- */

let following = null;

function linked() {
  $('link').className = '';
  say($('link'), 'Live');
}

function lost(why) {
  $('link').className = 'lost';
  say($('link'), why);
}

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));

/** Follows until the page is hidden, and begins again after each end. */
async function follow() {
  if (following) {
    return;
  }
  const mine = new AbortController();
  following = mine;
  let wait = 500;
  while (!mine.signal.aborted) {
    try {
      for await (const event of events('/api/v1/live', mine.signal)) {
        HANDLERS[event.type]?.(event.data);
        wait = 500;
      }
      lost('The daemon has ended the connection; trying again…');
    } catch (e) {
      lost(e instanceof Refused ? e.message : 'The daemon does not answer; trying again…');
    }
    if (!mine.signal.aborted) {
      await pause(wait);
      wait = Math.min(2 * wait, LONGEST_RETRY_MS);
    }
  }
}

let hiding = 0;

document.addEventListener('visibilitychange', () => {
  clearTimeout(hiding);
  if (document.hidden) {
    hiding = setTimeout(() => {
      following?.abort();
      following = null;
      lost('Paused while nobody looks');
    }, HIDDEN_MS);
  } else {
    follow();
  }
});

/* ---- the way around ---- */

/** The Service that the address names; null for none, and for an address that nobody has made here. */
function named() {
  const match = /^#\/([^/]+)\/([^/]+)$/.exec(location.hash);
  try {
    return match && [decodeURIComponent(match[1]), decodeURIComponent(match[2])];
  } catch {
    return null;
  }
}

function route() {
  const of = named();
  opened = of ? of.join('/') : '';
  $('columns').classList.toggle('detailed', of !== null);
  if (of) {
    detail.open(...of);
  } else {
    detail.end();
  }
  list.later();
}

/** Arrow keys, Home, End and the pages go through the names of the Services. */
function move(event) {
  const steps = {ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10, Home: -Infinity, End: Infinity};
  const element = event.target.closest?.('#rows .row');
  if (!element || !(event.key in steps) || event.altKey || event.ctrlKey || event.metaKey) {
    return;
  }
  event.preventDefault();
  const index = Number(element.getAttribute('aria-rowindex')) - 2;
  const next = Math.max(0, Math.min(list.items.length - 1, index + steps[event.key]));
  list.reveal(next)?.parts.name.focus();
}

function keys(event) {
  if (event.key === '/' && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName)) {
    event.preventDefault();
    $('search').focus();
  } else if (event.key === 'Escape' && opened) {
    close();
  }
}

function close() {
  const key = opened;
  location.hash = '#';
  const index = list.items.findIndex(item => item.service.key === key);
  if (index >= 0) {
    requestAnimationFrame(() => list.reveal(index)?.parts.name.focus());
  }
}

function begin() {
  $('head').append(...COLUMNS.map(column => el('div', {role: 'columnheader', 'data-id': column.id,
    class: `${column.num ? 'num' : ''} ${column.wide ? 'wide' : ''}`},
  el('button', {type: 'button', onclick: () => sortBy(column.id), text: column.title}))));
  $('sort').append(...COLUMNS.map(column => el('option', {value: column.id, text: column.title.split(' p50')[0]})));
  const rowHeight = () => narrow.matches ? 112 : window.innerWidth >= 2400 ? 52 : 44;
  list = new VirtualList($('rows'), window, rowHeight, makeRow, fillRow);
  detail = new Detail($('detail'), close);
  narrow.addEventListener('change', () => list.later());
  $('search').addEventListener('input', event => {
    wanted.text = event.target.value;
    show();
  });
  for (const name of ['namespace', 'trouble']) {
    $(name).addEventListener('change', event => {
      wanted[name] = event.target.value;
      show();
    });
  }
  $('sort').addEventListener('change', event => sortBy(event.target.value));
  $('rows').addEventListener('keydown', move);
  document.addEventListener('keydown', keys);
  addEventListener('hashchange', route);
  wanted.sort = '';
  sortBy('name');
  route();
  follow();
}

begin();
