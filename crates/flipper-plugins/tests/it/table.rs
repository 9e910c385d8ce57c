use flipper_conformance::Result;
use flipper_plugins::table::{Column, Keep, RowError, Table};
use serde::Serialize;
use serde_json::{Value, json};

use crate::rig::{Rig, call, event};

#[derive(Serialize)]
struct Order {
    id: u64,
    customer: &'static str,
}

fn order(id: u64, customer: &'static str) -> Order {
    Order { id, customer }
}

#[test]
fn rows_are_shown_again_to_every_desktop_that_comes() -> Result {
    let orders = Table::builder("orders").key("id").build();
    let rig = Rig::new(orders.clone())?;
    orders.upsert(&order(1, "Ann"))?;
    orders.upsert(&order(2, "Bob"))?;
    orders.upsert(&order(1, "Cid"))?;
    for _ in 0..2 {
        let mut session = rig.session("orders")?;
        assert_eq!(event(&mut session, "reset")?, json!({}));
        assert_eq!(event(&mut session, "newRow")?, json!({"id": 1, "customer": "Cid"}));
        assert_eq!(event(&mut session, "newRow")?, json!({"id": 2, "customer": "Bob"}));
        session.assert_answers()?;
        // A user interface that is reloaded initialises it again on the same connection.
        session.init("orders")?;
        assert_eq!(event(&mut session, "reset")?, json!({}));
        event(&mut session, "newRow")?;
        event(&mut session, "newRow")?;
        session.close(1000, "")?;
    }
    Ok(())
}

#[test]
fn a_desktop_sees_what_is_added_removed_and_cleared() -> Result {
    let orders = Table::builder("orders").key("id").row_method("order").reset_method("noOrders").build();
    let rig = Rig::new(orders.clone())?;
    let mut session = rig.session("orders")?;
    event(&mut session, "noOrders")?;
    orders.upsert(&order(1, "Ann"))?;
    orders.upsert(&order(2, "Bob"))?;
    assert_eq!(event(&mut session, "order")?["id"], 1);
    assert_eq!(event(&mut session, "order")?["id"], 2);
    assert!(orders.remove(&1)?);
    event(&mut session, "noOrders")?;
    assert_eq!(event(&mut session, "order")?["id"], 2);
    assert!(!orders.remove(&1)?, "it is gone already");
    assert!(!orders.remove("2")?, "a text is no number");
    orders.clear();
    event(&mut session, "noOrders")?;
    session.assert_answers()?;
    assert!(orders.is_empty() && orders.is_shown());
    Ok(())
}

#[test]
fn a_table_describes_itself() -> Result {
    let orders = Table::<Order>::builder("orders")
        .key("id")
        .column(Column::number("id").titled("Order").wide(80))
        .column(Column::text("customer"))
        .background()
        .build();
    let rig = Rig::new(orders)?;
    let mut session = rig.session("orders")?;
    event(&mut session, "reset")?;
    let answer = call(&mut session, "orders", "metadata", "null")?;
    let columns = json!([
        {"key": "id", "title": "Order", "type": "number", "width": 80},
        {"key": "customer", "type": "text"},
    ]);
    assert_eq!(
        answer["success"],
        json!({"columns": columns, "key": "id", "rowMethod": "newRow", "resetMethod": "reset", "background": true, "keeps": 1000})
    );
    session.send(&json!({"id": 1, "method": "getBackgroundPlugins"}))?;
    assert_eq!(session.receive()?["success"]["plugins"], json!(["orders"]));
    Ok(())
}

#[test]
fn a_key_can_be_made_of_a_row() -> Result {
    let orders = Table::builder("orders").key_by(|order: &Order| (order.customer, order.id)).build();
    let rig = Rig::new(orders.clone())?;
    let mut session = rig.session("orders")?;
    event(&mut session, "reset")?;
    orders.upsert(&order(1, "Ann"))?;
    orders.upsert(&order(1, "Ann"))?;
    for _ in 0..2 {
        assert_eq!(event(&mut session, "newRow")?, json!({"id": 1, "customer": "Ann", "_key": ["Ann", 1]}));
    }
    assert_eq!(call(&mut session, "orders", "metadata", "{}")?["success"]["key"], "_key");
    assert!(orders.remove(&("Ann", 1))?);
    Ok(())
}

#[test]
fn numbers_keep_every_digit() -> Result {
    let orders = Table::builder("orders").key("id").build();
    let rig = Rig::new(orders.clone())?;
    let mut session = rig.session("orders")?;
    event(&mut session, "reset")?;
    orders.upsert(&order(u64::MAX, "Ann"))?;
    assert_eq!(event(&mut session, "newRow")?["id"], "18446744073709551615");
    assert!(orders.remove(&u64::MAX)?);
    Ok(())
}

#[test]
fn what_is_no_row_is_refused() -> Result {
    let table = Table::<Value>::builder("any").key("id").build();
    assert_eq!(table.upsert(&json!([1])), Err(RowError::NotAnObject));
    assert_eq!(table.upsert(&json!({"a": 1})), Err(RowError::NoKey("id".to_owned())));
    assert_eq!(table.upsert(&json!({"id": null})), Err(RowError::NoKey("id".to_owned())));
    assert!(table.is_empty());
    let bad = Table::<std::collections::BTreeMap<(u8, u8), u8>>::builder("bad").build();
    assert!(matches!(bad.upsert(&[((1, 2), 3)].into()), Err(RowError::NotJson(_))));
    Ok(())
}

#[test]
fn nothing_is_kept_where_nothing_should() -> Result {
    let table = Table::<Value>::builder("any").keep(Keep::NOTHING).build();
    let rig = Rig::new(table.clone())?;
    table.upsert(&json!({"lost": true}))?;
    let mut session = rig.session("any")?;
    event(&mut session, "reset")?;
    session.assert_answers()?;
    table.upsert(&json!({"seen": true}))?;
    assert_eq!(event(&mut session, "newRow")?, json!({"seen": true}));
    Ok(())
}

#[test]
fn a_table_has_methods_of_its_own() -> Result {
    let table = Table::<Value>::builder("any").method("double", |n: i64| -> Result<_, String> { Ok([2 * n]) }).build();
    let rig = Rig::new(table)?;
    let mut session = rig.session("any")?;
    event(&mut session, "reset")?;
    assert_eq!(call(&mut session, "any", "double", "21")?["success"], json!([42]));
    assert_eq!(call(&mut session, "any", "double", "{}")?["error"]["name"], "InvalidParams");
    assert_eq!(call(&mut session, "any", "none", "{}")?["error"]["message"], "Receiver none not found.");
    Ok(())
}
