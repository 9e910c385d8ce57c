// The official desktop's side of any table that a Rust app makes with `flipper_plugins::table`.
//
// The app describes the table itself (method `metadata`), so that this text is the same for all of them: only `name`,
// `id` and `title` in package.json differ. The desktop evaluates it with `module` in scope, and has its libraries as
// globals; there is nothing to build.
'use strict';

const React = globalThis.React;
const { createDataSource, createState, DataInspector, Layout, MasterDetail, Panel, usePlugin, useValue } =
  globalThis.FlipperPlugin;
const h = React.createElement;

/** What a table is like that does not describe itself. */
const DEFAULT = { columns: [], rowMethod: 'newRow', resetMethod: 'reset' };

function plugin(client) {
  // Which field is the key is not known yet, so that each record brings its key as `__key`.
  const rows = createDataSource([], { persist: 'rows', key: '__key' });
  const selection = createState(undefined);
  const isPaused = createState(false);
  const columns = createState([]);
  /** Events that came before the description. */
  let waiting = [];
  let table;
  let appended = 0;

  function onEvent(method, row) {
    if (method === table.resetMethod) {
      rows.clear();
    } else if (method === table.rowMethod && row && typeof row === 'object' && !isPaused.get()) {
      appended += 1;
      const key = table.key === undefined ? appended : JSON.stringify(row[table.key]);
      if (columns.get().length === 0) {
        columns.set(Object.keys(row).map((name) => ({ key: name, title: name })));
      }
      rows.upsert({ ...shown(row, table.columns), __key: key, __row: row });
    }
  }

  client.onUnhandledMessage((method, row) => {
    if (table) {
      onEvent(method, row);
    } else {
      waiting.push([method, row]);
    }
  });

  client.onConnect(async () => {
    let described = DEFAULT;
    try {
      described = { ...DEFAULT, ...(await client.send('metadata', {})) };
    } catch (error) {
      console.warn('[rust-table] the table does not describe itself', error);
    }
    table = described;
    columns.set(table.columns.map(toColumn));
    const events = waiting;
    waiting = [];
    events.forEach(([method, row]) => onEvent(method, row));
  });

  client.onDisconnect(() => {
    table = undefined;
    waiting = [];
  });

  return { rows, selection, isPaused, columns };
}

/** The cells of a row. Moments are shown as such. */
function shown(row, columns) {
  const cells = { ...row };
  for (const { key, type } of columns) {
    if (type === 'time' && typeof row[key] === 'number') {
      cells[key] = new Date(row[key]);
    }
  }
  return cells;
}

function toColumn({ key, title, type, width }) {
  return { key, title: title || key, width, align: type === 'number' ? 'right' : undefined, wrap: type === 'json' };
}

function Component() {
  const instance = usePlugin(plugin);
  const columns = useValue(instance.columns);
  if (columns.length === 0) {
    return h(Layout.Container, { center: true, pad: true }, 'No rows yet');
  }
  return h(MasterDetail, {
    // A table does not change its columns: another one takes its place.
    key: JSON.stringify(columns),
    columns,
    dataSource: instance.rows,
    selection: instance.selection,
    isPaused: instance.isPaused,
    sidebarComponent: Sidebar,
    enableMenuEntries: true,
    enableClear: true,
  });
}

/** The whole row; what has several lines, such as a stack trace, stands by itself. */
function Sidebar({ record }) {
  const fields = Object.entries(record.__row);
  const isText = ([, value]) => typeof value === 'string' && value.includes('\n');
  const others = fields.filter((field) => !isText(field));
  return h(
    Layout.Container,
    { gap: true, pad: true },
    h(Panel, { title: 'Row', pad: 'small' }, h(DataInspector, { data: Object.fromEntries(others), expandRoot: true })),
    ...fields
      .filter(isText)
      .map(([name, value]) =>
        h(Panel, { key: name, title: name, pad: 'small' }, h('pre', { style: { overflow: 'auto' } }, value)),
      ),
  );
}

module.exports = { plugin, Component };
