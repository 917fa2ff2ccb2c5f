// One Service: its ports and endpoints, why connections go where they go, its changes and connections.

import {ago, bytes, count, el, latency} from './dom.js';
import {VirtualList} from './list.js';
import {reason} from './stream.js';

const EVERY_MS = 3000;
const MOST_CONNECTIONS = 1000;

async function ask(path, parameters, signal) {
  const answer = await fetch(`/api/v1/${path}?${new URLSearchParams(parameters)}`, {signal, cache: 'no-store'});
  if (!answer.ok) {
    throw new Error(await reason(answer));
  }
  return answer.json();
}

export class Detail {
  constructor(aside, close) {
    this.aside = aside;
    this.close = close;
  }

  open(namespace, service) {
    this.end();
    this.of = {namespace, service};
    this.ending = new AbortController();
    const title = el('h2', {id: 'detail-title', tabindex: '-1', text: `${namespace}/${service}`});
    this.about = el('p', {class: 'faint'});
    this.ports = el('div');
    this.changes = el('ol', {reversed: true});
    this.changesNote = el('p', {class: 'faint'});
    this.failure = el('p', {class: 'bad', role: 'status'});
    this.connections = el('details', {ontoggle: () => this.refresh()}, el('summary', {text: 'Open connections'}));
    this.connectionsNote = el('p', {class: 'faint', role: 'status'});
    const holder = el('div');
    const scroller = el('div', {class: 'connections', tabindex: '0', 'aria-label': 'Open connections'}, holder);
    this.connections.append(this.connectionsNote, scroller);
    this.list = new VirtualList(holder, scroller, () => 40,
      () => el('div', {class: 'line'}, el('span'), el('span', {class: 'faint'})), showConnection);
    this.aside.replaceChildren(
      el('header', {}, title, el('button', {type: 'button', onclick: this.close, text: 'Close'})),
      this.about, this.failure, this.ports, this.explainBox(), el('h3', {text: 'Last changes'}), this.changesNote,
      this.changes, el('h3', {text: 'Connections'}), this.connections);
    this.aside.hidden = false;
    title.focus();
    this.refresh();
    this.timer = setInterval(() => this.refresh(), EVERY_MS);
  }

  end() {
    clearInterval(this.timer);
    this.ending?.abort();
    this.of = null;
    this.asking = false;
    this.aside.hidden = true;
    this.aside.replaceChildren();
  }

  /** Asks for everything that can be seen; not while the last question is open. */
  async refresh() {
    if (!this.of || this.asking || document.hidden) {
      return;
    }
    const {signal} = this.ending;
    this.asking = true;
    try {
      const [services, events, connections] = await Promise.all([ask('services', this.of, signal),
        ask('events', {...this.of, limit: 20}, signal),
        this.connections.open ? ask('connections', {...this.of, limit: MOST_CONNECTIONS}, signal) : null]);
      this.failure.textContent = services.services.length ? '' : 'This Service is gone.';
      this.showService(services.services[0]);
      this.showEvents(events.events);
      if (connections) {
        this.connectionsNote.textContent = connections.total > connections.connections.length
          ? `the oldest ${count(connections.connections.length)} of ${count(connections.total)}`
          : `${count(connections.total)} open`;
        this.list.show(connections.connections.map(connection => ({key: connection.id, connection})));
      }
    } catch (e) {
      if (!signal.aborted) {
        this.failure.textContent = `Not up to date: ${e.message}`;
      }
    } finally {
      if (!signal.aborted) {
        this.asking = false;
      }
    }
  }

  showService(service) {
    if (!service) {
      this.ports.replaceChildren();
      return;
    }
    this.about.textContent = [service.type, service.headless ? 'headless' : service.clusterIPs.join(', '),
      service.externalName, service.externalIPs.length ? `external ${service.externalIPs.join(', ')}` : '',
      service.loadBalancerIPs.length ? `load balancer ${service.loadBalancerIPs.join(', ')}` : '',
      Object.entries(service.selector).map(([name, value]) => `${name}=${value}`).join(',')]
      .filter(part => part).join(' · ');
    this.ports.replaceChildren(...service.warnings.map(warning => el('p', {class: 'warn', text: `⚠ ${warning}`})),
      ...service.ports.map(port));
  }

  showEvents(events) {
    this.changesNote.textContent = events.length ? '' : 'none since the start';
    this.changes.replaceChildren(...[...events].reverse().map(event => el('li', {},
      el('time', {datetime: event.at, title: event.at, class: 'faint', text: `${ago(event.at)} ago `}),
      el('b', {text: event.type}), ` ${event.port ? `port ${event.port}: ` : ''}${event.message}`)));
  }

  explainBox() {
    const from = el('input', {type: 'text', placeholder: 'any', spellcheck: 'false', autocomplete: 'off'});
    const external = el('input', {type: 'checkbox'});
    const answer = el('div', {role: 'status'});
    const of = this.of;
    const explain = async () => {
      try {
        const asked = {...of};
        if (from.value.trim()) {
          asked.from = from.value.trim();
        }
        if (external.checked) {
          asked.external = 'true';
        }
        const {explain: ports} = await ask('explain', asked, this.ending.signal);
        answer.replaceChildren(...ports.map(explained));
      } catch (e) {
        answer.replaceChildren(el('p', {class: 'bad', text: e.message}));
      }
    };
    from.addEventListener('keydown', event => event.key === 'Enter' && explain());
    return el('section', {'aria-label': 'Explain'}, el('h3', {text: 'Where would a connection go?'}),
      el('div', {class: 'ask'}, el('label', {}, 'From this address', from),
        el('label', {}, external, ' to a node port or an external address'),
        el('button', {type: 'button', onclick: explain, text: 'Explain'})), answer);
  }
}

function state(endpoint) {
  const unhealthy = endpoint.health === 'failing' ? ` unhealthy: ${endpoint.whyUnhealthy}` : '';
  return endpoint.ejected ? ['ejected', `✕${unhealthy || ' ejected'}`] : unhealthy ? ['warn', `▲${unhealthy}`] : endpoint.terminating ? ['warn', '◌ draining']
    : endpoint.ready ? ['ok', '● ready'] : ['faint', '○ not ready'];
}

function port(of) {
  const rows = of.endpoints.map(endpoint => {
    const [kind, words] = state(endpoint);
    const failed = Object.entries(endpoint.failedConnections || {}).map(([why, times]) => `${count(times)} ${why}`);
    return el('tr', {}, el('th', {scope: 'row', text: endpoint.address}), el('td', {class: kind, text: words}),
      el('td', {class: 'num', text: count(endpoint.activeConnections)}),
      el('td', {class: 'num', text: count(endpoint.totalConnections)}),
      el('td', {class: failed.length ? 'bad' : '', text: failed.join(', ') || '0'}),
      el('td', {text: latency(endpoint.connect?.p50Ms, endpoint.connect?.p99Ms)}),
      el('td', {text: latency(endpoint.firstByte?.p50Ms, endpoint.firstByte?.p99Ms)}),
      el('td', {text: [endpoint.pod, endpoint.node, endpoint.zone].filter(part => part).join(' · ')}));
  });
  const name = `${of.name ? `${of.name} ` : ''}${of.port}/${of.protocol}`;
  return el('section', {'aria-label': `Port ${name}`}, el('h3', {text: `Port ${name} → ${of.targetPort}`}),
    el('p', {class: 'faint', text: of.proxied ? `balanced by ${of.balancer}` : 'not proxied'}),
    of.whyEmpty ? el('p', {class: 'bad', text: `No endpoint: ${of.whyEmpty.message}`}) : null,
    el('ul', {}, ...of.listeners.map(listener => el('li', {class: listener.status === 'Failed' ? 'bad' : ''},
      `${listener.address} (${listener.kind}) ${listener.status}${listener.problem ? `: ${listener.problem}` : ''}`))),
    rows.length === 0 ? null : el('div', {class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Endpoints of ${name}`},
      el('table', {}, el('thead', {}, el('tr', {}, ...['Endpoint', 'State', 'Open', 'Total', 'Failed', 'Connect p50/p99',
        'First byte p50/p99', 'Pod · node · zone'].map(text => el('th', {scope: 'col', text})))),
      el('tbody', {}, ...rows))));
}

function explained(of) {
  return el('section', {}, el('p', {}, el('b', {text: `${of.port || of.portNumber} ${of.family || ''} ${of.traffic}: `}),
    el('span', {class: of.next.startsWith('nowhere') ? 'bad' : '', text: of.next})),
  el('ul', {}, ...[...of.refusals.map(text => el('li', {class: 'bad', text})),
    ...of.rules.map(text => el('li', {text})),
    ...of.endpoints.map(endpoint => el('li', {class: endpoint.candidate ? '' : 'faint',
      text: `${endpoint.candidate ? '✓' : '✕'} ${endpoint.address}${endpoint.pod ? ` (${endpoint.pod})` : ''}: ${endpoint.rule}`}))]));
}

function showConnection(element, item) {
  const of = item.connection;
  element.children[0].textContent = `${of.client} → ${of.endpoint || 'no endpoint yet'}`;
  element.children[1].textContent = `${of.protocol} ${of.state} · ${ago(of.acceptedAt)} · ↑ ${bytes(of.bytesFromClient)}`
    + ` ↓ ${bytes(of.bytesFromBackend)} · at ${of.listener}${of.retries ? ` · ${of.retries} retries` : ''}`;
}
