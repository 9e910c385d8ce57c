//! The page itself, and what is put into it.

use std::collections::BTreeMap;

use serde_json::json;

use crate::client::Client;

/// `index.web.html`, cut where its first script begins.
pub(super) struct Page {
    before: String,
    rest: String,
}

impl Page {
    /// `None` if it is another page.
    pub(super) fn new(mut text: String) -> Option<Self> {
        let at = text.find("<script").filter(|_| text.contains("window.flipperConfig"))?;
        let rest = text.split_off(at);
        Some(Self { before: text, rest })
    }

    /// As it was published.
    pub(super) fn pristine(&self) -> String {
        format!("{}{}", self.before, self.rest)
    }

    /// With the dialogs for new users left behind, the plugins of these apps enabled, and the Network plugin repaired.
    pub(super) fn prepared(&self, clients: &[Client]) -> String {
        let plugins: BTreeMap<_, _> = clients
            .iter()
            .filter_map(|client| {
                let plugins = client.plugins.as_ref()?;
                Some((client.info.query.app.as_str(), plugins.iter().map(|plugin| plugin.as_str()).collect::<Vec<_>>()))
            })
            .collect();
        // What an app calls itself must not end the script.
        let plugins = json!(plugins).to_string().replace('<', "\\u003c");
        let preset = PRESET.replace("PLUGINS", &plugins);
        format!("{}<script>{preset}</script>\n  <script>{NETWORK}</script>\n  {}", self.before, self.rest)
    }
}

/// The page keeps its state in values that are JSON in JSON. An app that somebody has enabled plugins of is left alone.
/// It also asks the outside for a newer version, which it may not: it is told that there is none.
const PRESET: &str = r#"
(() => {
  try {
    const key = 'persist:connections';
    const state = JSON.parse(localStorage.getItem(key) ?? '{}');
    const enabled = JSON.parse(state.enabledPlugins ?? '{}');
    for (const [app, plugins] of Object.entries(PLUGINS)) {
      if (!Object.hasOwn(enabled, app)) enabled[app] = plugins;
    }
    state.enabledPlugins = JSON.stringify(enabled);
    state._persist ??= JSON.stringify({version: 2, rehydrated: true});
    localStorage.setItem(key, JSON.stringify(state));
    localStorage.setItem('platformSelectWizardFinished', 'true');
  } catch (error) {
    console.warn('nothing was enabled beforehand', error);
  }
  const {fetch} = window;
  const isForVersion = (url) => String(url).startsWith('https://www.facebook.com/fbflipper/');
  window.fetch = (url, ...rest) =>
    isForVersion(url) ? Promise.resolve(new Response(null, {status: 204})) : fetch.call(window, url, ...rest);
})();
"#;

/// In a browser the plugin finds neither Node's module `url` nor its `Buffer`. This one must not be a function, or its
/// base64 decoder takes it for Node's own.
const NETWORK: &str = r#"
(() => {
  let original;
  Object.defineProperty(window, 'electronRequire', {
    configurable: true,
    get: () => (name) => (name === 'url' ? {URL} : original ? original(name) : {default: {}}),
    set: (value) => (original = value),
  });
  window.Buffer ??= {
    byteLength(data, encoding) {
      if (typeof data !== 'string') return data.byteLength;
      if (encoding === 'base64') return Math.floor((data.replace(/=+$/, '').length * 3) / 4);
      return new TextEncoder().encode(data).length;
    },
  };
})();
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_page_of_the_official_desktop_is_taken() {
        assert!(Page::new("<html><script>alert(1)</script>".to_owned()).is_none());
        let text = "<title>Flipper</title><script>window.flipperConfig = {}</script>";
        let page = Page::new(text.to_owned()).unwrap();
        assert_eq!(page.pristine(), text);
        let prepared = page.prepared(&[]);
        assert!(prepared.starts_with("<title>Flipper</title><script>"), "{prepared}");
        assert!(prepared.ends_with("<script>window.flipperConfig = {}</script>"), "{prepared}");
    }
}
