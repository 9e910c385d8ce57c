// What the desktop told: its apps, what their plugins sent, and who did not get through.

import {Failures} from './failures.js';
import {Feed, MAX_CHARS} from './feed.js';
import {NetworkFeed} from './network/feed.js';

// Apps that are gone and still shown.
const MAX_GONE = 20;

// After how many messages the sum of all feeds is looked at.
const CHECK_EVERY = 64;

// By the names of plugins, which apps choose: an object would have names of its own.
const KINDS = new Map([['Network', NetworkFeed]]);

export class Store {
  onChange = () => {};
  apps = new Map();
  status = null;
  failures = new Failures();
  #link = null;
  #taken = 0;

  // Asks for everything, whenever the link is open anew.
  async begin(link) {
    this.#link = link;
    this.end();
    try {
      await link.ask('subscribe', {snapshot: true});
      this.status = await link.ask('status');
      this.failures.begin(await link.fetch('GET', 'failures'));
      this.failures.devices(await link.ask('devices'));
    } catch {
      // The link says that it is gone.
    }
    this.onChange();
  }

  // Nobody knows what becomes of the apps while the desktop is gone.
  end() {
    for (const app of this.apps.values()) {
      if (app.here) Object.assign(app, {here: false, cause: 'the desktop is gone', goneSince: Date.now()});
    }
  }

  take(event, size) {
    const app = typeof event.app === 'string' ? this.apps.get(event.app) : undefined;
    switch (event.event) {
      case 'message':
        this.feed(event.app, event.plugin)?.take(event, size);
        if (++this.#taken % CHECK_EVERY === 0) this.#keepWithin();
        break;
      case 'app-connected':
        this.#connected(event.app);
        this.failures.connected(event.app);
        break;
      case 'app-disconnected':
        if (app) Object.assign(app, {here: false, cause: event.cause, goneSince: event.time});
        break;
      case 'app-unresponsive':
      case 'app-responsive':
        if (app) app.unresponsive = event.event === 'app-unresponsive';
        break;
      case 'plugins-changed':
        if (app) Object.assign(app, {plugins: event.plugins, background: event.background});
        this.refresh(event.app);
        break;
      case 'app-error':
        if (app) app.errors.add({time: event.time, error: event.error}, size);
        break;
      default:
        this.failures.take(event);
    }
    this.onChange();
  }

  // What a plugin told; nothing of apps that were never here.
  feed(id, plugin) {
    const app = this.apps.get(id);
    if (!app) return undefined;
    if (!app.feeds.has(plugin)) app.feeds.set(plugin, new (KINDS.get(plugin) ?? Feed)());
    return app.feeds.get(plugin);
  }

  // Which plugins are initialised is told to nobody, so it is asked for.
  async refresh(id) {
    const told = await this.#link.ask('app', {app: id}).catch(() => null);
    const app = this.apps.get(id);
    if (told && app) Object.assign(app, told);
    this.onChange();
  }

  async initialise(id, plugin) {
    await this.#link.ask('init', {app: id, plugin});
    await this.refresh(id);
  }

  async leave(id, plugin) {
    await this.#link.ask('deinit', {app: id, plugin});
    await this.refresh(id);
  }

  forget(id) {
    this.apps.delete(id);
    this.onChange();
  }

  #connected(told) {
    const known = this.apps.get(told.id);
    const app = known ?? {feeds: new Map(), errors: new Feed()};
    Object.assign(app, told, {here: true, since: Date.now() - told.connected_for_ms, cause: undefined});
    this.apps.set(told.id, app);
    const gone = [...this.apps.values()].filter((app) => !app.here && !app.recording);
    gone.slice(0, Math.max(0, gone.length - MAX_GONE)).forEach((app) => this.apps.delete(app.id));
  }

  // All feeds together keep so much. Whoever has most gives way.
  #keepWithin() {
    const feeds = [...this.apps.values()].flatMap((app) => [...app.feeds.values(), app.errors]);
    let all = feeds.reduce((sum, feed) => sum + feed.chars, 0);
    while (all > MAX_CHARS) {
      const largest = feeds.reduce((one, other) => (other.chars > one.chars ? other : one));
      all -= largest.at(0).size;
      largest.drop();
    }
  }
}
