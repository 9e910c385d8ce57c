// The token that the desktop asks for. The link that the desktop prints carries it behind the `#`, which browsers keep to
// themselves. It stays in the storage of this origin, port included; a cookie would go to whatever else listens on
// this machine.

const KEY = 'flipper.token';

// Takes the token out of the address, so that it does not stay in the history.
export function takeToken() {
  const found = location.hash.match(/^#token=([\w-]+)(.*)$/);
  if (!found) return;
  localStorage.setItem(KEY, found[1]);
  history.replaceState(null, '', `#${found[2] || '/'}`);
}

export function token() {
  return localStorage.getItem(KEY) ?? '';
}

export function setToken(text) {
  localStorage.setItem(KEY, text.trim().replace(/^.*#token=/, ''));
}
