// The page: one socket to the desktop, what it told, and what is shown of it.

import {Link} from './link.js';
import {Recordings} from './recordings.js';
import {Route} from './route.js';
import {settings} from './settings.js';
import {Shell} from './shell.js';
import {Store} from './store.js';
import {takeToken} from './token.js';
import './json-tree.js';
import './long-text.js';
import './table.js';

takeToken();
settings.apply();

const store = new Store();
const link = new Link();
const route = new Route();
const recordings = new Recordings(store, link);
const page = {store, link, route, settings, recordings, update};
const shell = new Shell(page, document.getElementById('page'));

link.onEvent = (event, size) => store.take(event, size);
link.onChange = () => {
  if (link.state === 'gone') store.end();
  update();
};
link.onOpen = async () => {
  await store.begin(link);
  // What the address names may be a recording.
  shell.show();
};
store.onChange = update;
route.onChange = () => shell.show();

// Whatever changes, the page is drawn once, in the next frame.
let asked = false;
function update() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    shell.update();
  });
}

// Views show what there is room for.
addEventListener('resize', update);

shell.show();
link.open();
// Ages go on, and what others do with the app that is shown is told to nobody.
setInterval(() => {
  const [kind, id] = route.parts;
  if (kind === 'app' && link.state === 'open' && store.apps.get(id)?.here) store.refresh(id);
  update();
}, 10_000);
