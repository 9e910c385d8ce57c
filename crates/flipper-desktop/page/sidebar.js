// At the left: apps with their plugins, and those that do not get through.

import {html, nothing} from './lib/lit-html/lit-html.js';
import {address} from './route.js';
import {age, count, told} from './text.js';

const TITLES = new Map([['rust-logs', 'Logs'], ['rust-crashes', 'Crashes']]);

const THEMES = {auto: ['◐', 'as the system has it'], light: ['☀', 'light'], dark: ['☾', 'dark']};

export function sidebar(page) {
  const {store, link, route} = page;
  const all = [...store.apps.values()].sort((one, other) => Number(other.here) - Number(one.here));
  const apps = all.filter((app) => !app.recording);
  const recorded = all.filter((app) => app.recording);
  const failures = store.failures.list();
  return html`<aside class="side">
    <header class="brand">
      <h1><a href="#/"><img src="/page/icon.svg" alt="" width="22" height="22">Flipper</a></h1>
      <span class="dot ${link.state}" role="img" aria-label="The desktop is ${link.state}" title="The desktop is ${link.state}"></span>
      ${themeButton(page)}
    </header>
    <nav aria-label="Apps">
      <h2>Apps</h2>
      ${apps.length === 0 ? html`<p class="none">No app is connected.</p>` : html`<ul>${apps.map((app) => appItem(page, app, route.parts))}</ul>`}
    </nav>
    <nav aria-label="Recordings">
      <ul class="places"><li><a href="#/recordings" aria-current=${route.parts[0] === 'recordings' ? 'page' : nothing}>Recordings</a></li></ul>
      ${recorded.length === 0 ? nothing : html`<ul>${recorded.map((app) => appItem(page, app, route.parts))}</ul>`}
    </nav>
    ${failures.length === 0
      ? nothing
      : html`<section class="failures" aria-label="Not connected"><h2>Not connected</h2>
          <ul aria-live="polite">${failures.map((failure) => failureItem(page, failure))}</ul></section>`}
    <footer>${store.status ? html`<span>Version ${store.status.version}</span> ${ports(store.status.ports)}` : nothing}</footer>
  </aside>`;
}

function themeButton({settings, update}) {
  const [icon, name] = THEMES[settings.theme] ?? THEMES.auto;
  const next = () => {
    settings.nextTheme();
    update();
  };
  return html`<button class="icon" title="Colours: ${name}" aria-label="Colours: ${name}. Change" @click=${next}>${icon}</button>`;
}

function appItem(page, app, [kind, id, plugin]) {
  const isIt = kind === 'app' && id === app.id;
  return html`<li class="app" ?data-gone=${!app.here && !app.recording}>
    <a href=${address('app', app.id)} aria-current=${isIt && plugin === undefined ? 'page' : nothing}>
      <span class="name">${told(app.name, 80)}</span>${state(app)}
      <span class="where">${told(`${app.os} · ${app.device}`, 80)} · ${app.recording ? told(app.recording, 60) : app.here ? age(Date.now() - app.since) : 'gone'}</span>
    </a>
    ${app.plugins === null
      ? html`<p class="none">It has not told its plugins yet.</p>`
      : html`<ul>${[...app.plugins].sort().map((name) => pluginItem(app, name, isIt && plugin === name))}</ul>`}
  </li>`;
}

function state(app) {
  if (app.recording) return html`<span class="chip">recorded</span>`;
  if (!app.here) return html`<span class="chip">gone</span>`;
  if (app.unresponsive) return html`<span class="chip warn" title="It leaves pings unanswered: perhaps it is stopped at a breakpoint">not answering</span>`;
  return nothing;
}

function pluginItem(app, name, isIt) {
  const feed = app.feeds.get(name);
  const rows = feed ? feed.length + feed.leftOut : 0;
  return html`<li><a href=${address('app', app.id, name)} aria-current=${isIt ? 'page' : nothing}>
    <span>${told(title(name), 60)}</span>${rows > 0 ? html`<span class="count" title=${count(rows, 'event')}>${short(rows)}</span>` : nothing}
  </a></li>`;
}

// Plugins of this project are called as a person would.
export function title(plugin) {
  return TITLES.get(plugin) ?? plugin;
}

function short(number) {
  return number < 10_000 ? String(number) : `${Math.floor(number / 1000)}k`;
}

function failureItem({store, update}, failure) {
  const {key, name, os, device, host, port, kind, text, hint, time} = failure;
  const dismiss = () => {
    store.failures.dismiss(key);
    update();
  };
  return html`<li class="failed">
    <div><strong>${name ? told(name, 80) : html`Somebody${host ? ` at ${host}` : ''}`}</strong>
      <button class="icon" aria-label="Dismiss" title="Dismiss" @click=${dismiss}>×</button></div>
    <span class="where">${name ? told(`${os} · ${device}`, 80) : html`on the ${port} port`}${failure.lasts ? '' : ` · ${age(Date.now() - time)} ago`}${failure.count > 1 ? `, ${failure.count} times` : ''}</span>
    <p><span class="chip warn">${told(kind, 40)}</span> ${told(text, 500)}</p>
    ${hint ? html`<p class="hint"><b>What to do:</b> ${told(hint, 500)}</p>` : nothing}
  </li>`;
}

function ports({secure, insecure}) {
  return html`<span title="Apps ask for certificates on ${insecure}, and connect on ${secure}">Ports ${insecure}, ${secure}</span>`;
}
