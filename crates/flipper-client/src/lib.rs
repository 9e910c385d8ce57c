//! What an app sees of Flipper whatever its runtime: plugins, connections, responders, settings.
