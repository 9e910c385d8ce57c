// The frame: what is at the left, and the view that the address names.

import {DatabasesView} from './databases/view.js';
import {html, nothing, render} from './lib/lit-html/lit-html.js';
import {NetworkView} from './network/view.js';
import {recordingOf} from './recordings.js';
import {sidebar} from './sidebar.js';
import {count, line} from './text.js';
import {setToken} from './token.js';
import {AppView} from './views/app.js';
import {GenericView} from './views/generic.js';
import {LogsView} from './views/logs.js';
import {NavigationView} from './views/navigation.js';
import {PluginView} from './views/plugin.js';
import {PreferencesView} from './views/preferences.js';
import {RecordingsView} from './views/recordings.js';
import {SandboxView} from './views/sandbox.js';
import {WelcomeView} from './views/welcome.js';

// What shows a plugin; any other is shown by the generic view.
const PLUGINS = new Map([
  ['Network', NetworkView],
  ['Databases', DatabasesView],
  ['Preferences', PreferencesView],
  ['Navigation', NavigationView],
  ['Sandbox', SandboxView],
  ['rust-logs', LogsView],
]);

// Views that are kept with all that was typed and chosen in them.
const MAX_VIEWS = 20;

export class Shell {
  #page;
  #root;
  #views = new Map();
  #view = null;

  constructor(page, root) {
    this.#page = page;
    this.#root = root;
    // What the page begins with.
    root.replaceChildren();
  }

  // Shows what the address names.
  show() {
    const {route, store} = this.#page;
    const [kind, id, plugin, ...rest] = route.parts;
    const recording = kind === 'app' ? recordingOf(id) : undefined;
    if (recording && this.#page.link.state === 'open') this.#page.recordings.read(recording);
    const key = JSON.stringify(kind === 'app' ? [kind, id, plugin] : [kind]);
    const view = this.#views.get(key) ?? this.#make(kind, id, plugin);
    this.#views.delete(key);
    this.#views.set(key, view);
    if (this.#views.size > MAX_VIEWS) this.#views.delete(this.#views.keys().next().value);
    const isOther = view !== this.#view;
    this.#view = view;
    view.open?.(kind === 'app' ? rest : route.parts.slice(1));
    this.update();
    const name = kind === 'app' ? [plugin, store.apps.get(id)?.name ?? id].filter(Boolean).join(' – ') : '';
    document.title = name ? `${line(name, 200)} – Flipper` : 'Flipper';
    // Whoever hears the page is told that it is another one now.
    if (isOther && kind) this.#root.querySelector('main').focus({preventScroll: true});
  }

  update() {
    this.#view.update();
    const isList = this.#page.route.parts.length === 0;
    render(
      html`${this.#state()}
        <div class="shell" ?data-list=${isList}>
          ${sidebar(this.#page)}
          <main tabindex="-1">
            <a class="back" href="#/">‹ All apps</a>
            ${this.#view.element}
          </main>
        </div>`,
      this.#root,
    );
  }

  #make(kind, id, plugin) {
    if (kind === 'app' && plugin !== undefined) {
      return new PluginView(this.#page, id, plugin, PLUGINS.get(plugin) ?? GenericView);
    }
    if (kind === 'app') return new AppView(this.#page, id);
    return kind === 'recordings' ? new RecordingsView(this.#page) : new WelcomeView(this.#page);
  }

  // What stands in the way of seeing anything new.
  #state() {
    const {link} = this.#page;
    switch (link.state) {
      case 'gone':
        return html`<div class="banner bad" role="alert"><span><strong>The desktop is gone.</strong> What it told is still here. This page
          comes back by itself once <code>flipper desktop</code> runs again.</span> <button @click=${() => link.retry()}>Try now</button></div>`;
      case 'locked':
        return html`<div class="banner bad" role="alert"><form @submit=${(event) => this.#unlock(event)}>
          <label for="token"><strong>The desktop asks for its token</strong>, which is new with each start. Open the link that
            <code>flipper desktop</code> prints, or paste that link or the token here:</label>
          <input id="token" name="token" type="password" autocomplete="off" required> <button>Open</button></form></div>`;
      default:
        return link.missed > 0
          ? html`<div class="banner" role="status"><span>${count(link.missed, 'event')} came faster than this page could take them, and
              ${link.missed === 1 ? 'is' : 'are'} not shown.</span> <button @click=${() => this.#dismiss()}>Dismiss</button></div>`
          : nothing;
    }
  }

  #unlock(event) {
    event.preventDefault();
    setToken(new FormData(event.target).get('token'));
    this.#page.link.retry();
  }

  #dismiss() {
    this.#page.link.missed = 0;
    this.update();
  }
}
