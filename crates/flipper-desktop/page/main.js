// The page: one socket to the desktop, what it told, and what is shown of it.

import {Link} from './link.js';
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
const page = {store, link, route, settings, update};
const shell = new Shell(page, document.getElementById('page'));

link.onEvent = (event, size) => store.take(event, size);
link.onChange = () => {
  if (link.state === 'gone') store.end();
  update();
};
link.onOpen = () => store.begin(link);
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

shell.show();
link.open();
// Ages go on.
setInterval(update, 10_000);
