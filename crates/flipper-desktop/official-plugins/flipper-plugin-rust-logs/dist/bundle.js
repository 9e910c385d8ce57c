// The official desktop's side of plugin `rust-logs`: what a Rust app logs through `tracing`.
//
// The desktop evaluates this text with `module` in scope, and has its libraries as globals. It is written by hand, and
// there is nothing to build. An app of another version may send fewer fields or others: whatever is missing is shown as
// nothing, and what is unknown stands in the sidebar.
'use strict';

const React = globalThis.React;
const { Input, Tag, Tooltip, Typography } = globalThis.antd;
const {
  createDataSource,
  createState,
  DataInspector,
  Layout,
  MasterDetail,
  Panel,
  usePlugin,
  useValue,
} = globalThis.FlipperPlugin;
const h = React.createElement;

const LEVELS = {
  ERROR: 'red',
  WARN: 'orange',
  INFO: 'green',
  DEBUG: 'blue',
  TRACE: 'purple',
};

/** A row of the table. The whole event is kept for the sidebar. */
function toRow(event) {
  return {
    id: event.id,
    time: new Date(event.time),
    level: text(event.level),
    target: text(event.target),
    message: text(event.message) || firstField(event.fields),
    event,
  };
}

function text(value) {
  if (value === undefined || value === null) {
    return '';
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** What an event without a message is told by. */
function firstField(fields) {
  const names = Object.keys(fields || {});
  return names.length === 0 ? '' : `${names[0]}=${text(fields[names[0]])}`;
}

function plugin(client) {
  const rows = createDataSource([], { persist: 'rows', key: 'id' });
  const selection = createState(undefined);
  const isPaused = createState(false);
  /** `undefined` where the app has no filter to set. */
  const filter = createState(undefined);
  const failure = createState(undefined);

  client.onMessage('log', (event) => {
    if (event && typeof event === 'object' && event.id !== undefined && !isPaused.get()) {
      rows.upsert(toRow(event));
    }
  });
  // Events that a later version of the app may send are no news to anybody.
  client.onUnhandledMessage(() => {});

  client.onConnect(async () => {
    failure.set(undefined);
    try {
      const hasFilter = await client.supportsMethod('getFilter');
      filter.set(hasFilter ? await client.send('getFilter', {}) : undefined);
    } catch (error) {
      filter.set(undefined);
      console.warn('[rust-logs] the app has no filter', error);
    }
  });

  async function setFilter(directives) {
    try {
      filter.set(await client.send('setFilter', { filter: directives }));
      failure.set(undefined);
    } catch (error) {
      failure.set((error && error.message) || text(error));
    }
  }

  return { rows, selection, isPaused, filter, failure, setFilter };
}

const COLUMNS = [
  { key: 'time', title: 'Time', width: 110 },
  {
    key: 'level',
    title: 'Level',
    width: 70,
    filters: Object.keys(LEVELS).map((level) => ({ label: level, value: level, enabled: false })),
    onRender: (row) => h(Tag, { color: LEVELS[row.level], style: { margin: 0, lineHeight: '16px' } }, row.level),
  },
  { key: 'target', title: 'Target', width: 200 },
  { key: 'message', title: 'Message', wrap: true },
];

function Component() {
  const instance = usePlugin(plugin);
  return h(
    Layout.Top,
    null,
    h(FilterBar, { instance }),
    h(MasterDetail, {
      columns: COLUMNS,
      dataSource: instance.rows,
      selection: instance.selection,
      isPaused: instance.isPaused,
      sidebarComponent: Sidebar,
      enableMenuEntries: true,
      enableClear: true,
    }),
  );
}

/** Shows the filter of the app, and sets it with the enter key. */
function FilterBar({ instance }) {
  const filter = useValue(instance.filter);
  const failure = useValue(instance.failure);
  const [draft, setDraft] = React.useState(undefined);
  // What the app took is shown as the app writes it.
  React.useEffect(() => setDraft(undefined), [filter]);
  if (!filter) {
    return h('div');
  }
  return h(
    Layout.Container,
    { pad: true, gap: true },
    h(
      Tooltip,
      { title: `Enter sets it. Empty: ${filter.default}`, placement: 'bottom' },
      h(Input, {
        addonBefore: 'Recorded in the app',
        placeholder: filter.default,
        'data-testid': 'rust-logs-filter',
        value: draft === undefined ? filter.filter : draft,
        status: failure ? 'error' : undefined,
        onChange: (change) => setDraft(change.target.value),
        onPressEnter: (press) => instance.setFilter(press.target.value),
      }),
    ),
    failure ? h(Typography.Text, { type: 'danger', 'data-testid': 'rust-logs-failure' }, failure) : null,
  );
}

function Sidebar({ record }) {
  const { id, time, level, target, message, fields, spans, file, line, module, thread, spansLeftOut, ...others } = record.event;
  const where = { file: file && line ? `${file}:${line}` : file, module, thread };
  return h(
    Layout.Container,
    { gap: true, pad: true },
    h(Typography.Paragraph, { copyable: true, style: { whiteSpace: 'pre-wrap' } }, record.message),
    section('Fields', fields),
    ...(spans || []).map((span, at) => section(`Span ${at + 1}: ${text(span.name)}`, span.fields)),
    spansLeftOut ? h(Typography.Text, { type: 'secondary' }, `${spansLeftOut} outer spans are left out`) : null,
    section('Where', where),
    section('More', others),
  );
}

function section(title, data) {
  const known = Object.entries(data || {}).filter(([, value]) => value !== undefined);
  if (known.length === 0) {
    return null;
  }
  return h(Panel, { key: title, title, pad: 'small' }, h(DataInspector, { data: Object.fromEntries(known), expandRoot: true }));
}

module.exports = { plugin, Component };
