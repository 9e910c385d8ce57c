//! Tables.

use std::collections::BTreeMap;

use flipper_plugins::table::{Column, ColumnKind, Keep, RowError, Table, TableBuilder};

type Row = BTreeMap<String, u32>;

#[test]
fn table() -> Result<(), RowError> {
    let columns = [
        Column::new("a", ColumnKind::Text),
        Column::text("b"),
        Column::number("c").titled("C").wide(80),
        Column::bool("d"),
        Column::time("e"),
        Column::json("f"),
    ];
    assert_eq!(columns[0], columns[0].clone());
    let mut builder: TableBuilder<Row> = Table::builder("orders")
        .key("id")
        .key_by(|row: &Row| row.len())
        .row_method("row")
        .reset_method("clear")
        .keep(Keep::new(10, 1_000))
        .background()
        .method("pay", |id: u32| Ok::<_, String>([id]));
    for column in columns {
        builder = builder.column(column);
    }
    assert!(!format!("{builder:?}").is_empty());
    let table = builder.build();
    table.upsert(&[("id".to_owned(), 1)].into_iter().collect())?;
    assert_eq!((table.len(), table.is_empty()), if crate::ENABLED { (1, false) } else { (0, true) });
    assert_eq!(table.remove(&1)?, crate::ENABLED);
    table.clear();
    assert!(!table.is_shown());
    assert!(Keep::default().rows > 0 && Keep::default().bytes > 0);
    assert_eq!(Keep::NOTHING, Keep::new(0, 0));
    assert_eq!(Table::<Row>::METADATA, "metadata");
    crate::is_a_plugin(table, if crate::ENABLED { "orders" } else { "" });
    Ok(())
}
