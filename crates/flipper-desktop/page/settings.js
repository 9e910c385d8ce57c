// How this browser wants the page: what is remembered from one visit to the next.

const KEY = 'flipper.settings';

function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return stored !== null && typeof stored === 'object' ? stored : {};
  } catch {
    return {};
  }
}

const values = read();

export const settings = {
  get(name, otherwise) {
    return name in values && typeof values[name] === typeof otherwise ? values[name] : otherwise;
  },

  set(name, value) {
    values[name] = value;
    localStorage.setItem(KEY, JSON.stringify(values));
  },

  // `auto`, `light` or `dark`.
  get theme() {
    return this.get('theme', 'auto');
  },

  nextTheme() {
    const themes = ['auto', 'light', 'dark'];
    this.set('theme', themes[(themes.indexOf(this.theme) + 1) % themes.length]);
    this.apply();
  },

  apply() {
    document.documentElement.dataset.theme = this.theme;
  },
};
