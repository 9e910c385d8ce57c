//! The plugin, with a driver that does as it is told.
#![expect(clippy::panic, reason = "the driver panics when it is told to")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use flipper_conformance::scripted::Session;
use flipper_conformance::{PATIENCE, Result};
use flipper_plugins::databases::{
    Bounds, Column, Databases, Driver, Error, ErrorKind, Index, Limits, Outcome, Page, PageRequest, Rows, Structure,
    Value,
};
use serde_json::{Value as Json, json};

use crate::rig::{Rig, call};

/// A driver that says what it is asked, waits where it is told to, and gives what a careless one might give.
struct Scripted {
    asked: Sender<String>,
    go_on: Receiver<()>,
}

/// The test's side of [`Scripted`].
struct Script {
    asked: Receiver<String>,
    go_on: Sender<()>,
}

fn scripted() -> (Scripted, Script) {
    let (asked, was_asked) = channel();
    let (let_go, go_on) = channel();
    (Scripted { asked, go_on }, Script { asked: was_asked, go_on: let_go })
}

impl Script {
    fn next(&self) -> Result<String> {
        Ok(self.asked.recv_timeout(PATIENCE)?)
    }
}

impl Scripted {
    fn note(&self, what: impl Into<String>) {
        let _test_is_over = self.asked.send(what.into());
    }
}

impl Driver for Scripted {
    fn tables(&mut self, _: &Bounds) -> Result<Vec<String>, Error> {
        self.note("tables");
        Ok(vec!["items".to_owned()])
    }

    fn table_data(&mut self, request: &PageRequest, _: &Bounds) -> Result<Page, Error> {
        let PageRequest { table, order, reverse, start, count, .. } = request;
        self.note(format!("{table} {order:?} {reverse} {start} {count}"));
        if table == "panic" {
            panic!("as it was told");
        }
        // Names that are not different, and rows of any width.
        let columns = ["id", "id", "id (2)", "name"].map(str::to_owned).to_vec();
        let rows = vec![vec![Value::from(1)], vec![Value::from("x"); 7]];
        Ok(Page { columns, rows, start: *start, total: 2 })
    }

    fn structure(&mut self, table: &str, _: &Bounds) -> Result<Structure, Error> {
        self.note(format!("structure {table}"));
        let mut column = Column::new("id", "INTEGER");
        column.primary_key = true;
        column.nullable = false;
        column.foreign_key = Some("other(id)".to_owned());
        let index = Index::new("both", true, vec!["a".to_owned(), "b".to_owned()]);
        Ok(Structure { columns: vec![column], indexes: vec![index] })
    }

    fn info(&mut self, table: &str, _: &Bounds) -> Result<String, Error> {
        Err(Error::new(ErrorKind::UnknownTable, format!("no such table: {table}\nat all")))
    }

    fn execute(&mut self, sql: &str, bounds: &Bounds) -> Result<Outcome, Error> {
        self.note(sql);
        match sql {
            "wait" => {
                let _test_is_over = self.go_on.recv();
                Ok(Outcome::Done)
            }
            "insert" => Ok(Outcome::Inserted(7)),
            "insert much" => Ok(Outcome::Inserted(i64::MAX)),
            "update" => Ok(Outcome::Changed(3)),
            "select" => Ok(Outcome::Rows(Rows {
                columns: vec!["a".to_owned(), "b".to_owned()],
                rows: vec![vec![Value::Null, Value::from(true)]; bounds.rows.min(2)],
                more: true,
            })),
            "panic" => panic!("as it was told"),
            _ => Err(Error::new(ErrorKind::Sql, "near \"slect\": syntax error")),
        }
    }
}

fn ask(session: &mut Session, method: &str, params: &Json) -> Result<Json> {
    call(session, "Databases", method, &params.to_string())
}

fn list(session: &mut Session) -> Result<Json> {
    Ok(ask(session, "databaseList", &json!({}))?["success"].take())
}

#[test]
fn the_list_has_ids_from_one_on_and_is_never_empty() -> Result {
    let databases = Databases::new();
    let rig = Rig::new(databases.clone())?;
    let mut session = rig.session("Databases")?;
    assert_eq!(list(&mut session)?, json!([{"id": 1, "name": "(no databases)", "tables": []}]));

    let (first, _script) = scripted();
    let (second, _other) = scripted();
    let (third, _third) = scripted();
    let first = databases.add("shop.db", first);
    assert_eq!(databases.add("shop.db", second).name(), "shop.db (2)");
    let entry = |id: u64, name: &str, tables: &[&str]| json!({"id": id, "name": name, "tables": tables});
    assert_eq!(list(&mut session)?, json!([entry(1, "shop.db", &["items"]), entry(2, "shop.db (2)", &["items"])]));

    first.close();
    first.close();
    assert_eq!(
        list(&mut session)?,
        json!([entry(1, "shop.db (closed)", &[]), entry(2, "shop.db (2)", &["items"])]),
        "what was closed keeps its id"
    );
    let answer =
        ask(&mut session, "getTableData", &json!({"databaseId": 1, "table": "items", "count": 50, "start": 0}))?;
    assert_eq!(answer["success"]["columns"], json!(["error"]));
    let answer = ask(&mut session, "execute", &json!({"databaseId": 1, "value": "update"}))?;
    assert_eq!(answer["error"]["code"], 2, "{answer}");

    assert_eq!(databases.add("shop.db", third).name(), "shop.db");
    assert_eq!(
        list(&mut session)?,
        json!([entry(1, "shop.db", &["items"]), entry(2, "shop.db (2)", &["items"])]),
        "what is opened again has the id that it had"
    );
    Ok(())
}

#[test]
fn a_closed_database_lets_its_driver_go() -> Result {
    let databases = Databases::new();
    let rig = Rig::new(databases.clone())?;
    let mut session = rig.session("Databases")?;
    for is_used in [false, true] {
        let (driver, script) = scripted();
        let database = databases.add("shop.db", driver);
        if is_used {
            list(&mut session)?;
            script.next()?;
        }
        database.close();
        assert!(
            script.asked.recv_timeout(PATIENCE).is_err_and(|error| error != std::sync::mpsc::RecvTimeoutError::Timeout)
        );
    }
    Ok(())
}

#[test]
fn rows_are_as_wide_as_the_columns_and_columns_have_names_of_their_own() -> Result {
    let databases = Databases::new();
    let (driver, script) = scripted();
    databases.add("shop.db", driver);
    let rig = Rig::new(databases)?;
    let mut session = rig.session("Databases")?;
    let params =
        json!({"databaseId": "1", "table": "items", "order": "id", "reverse": true, "count": 50, "start": 100});
    let answer = ask(&mut session, "getTableData", &params)?;
    assert_eq!(script.next()?, "items Some(\"id\") true 100 50");
    let (one, x, nothing) =
        (json!({"type": "integer", "value": 1}), json!({"type": "string", "value": "x"}), json!({"type": "null"}));
    assert_eq!(
        answer["success"],
        json!({
            "columns": ["id", "id (3)", "id (2)", "name"],
            "values": [[one, nothing, nothing, nothing], [x, x, x, x]],
            "start": 100, "count": 2, "total": 2,
        })
    );
    Ok(())
}

#[test]
fn the_structure_is_laid_out_as_the_official_ui_needs_it_to_edit_rows() -> Result {
    let databases = Databases::new();
    let (driver, _script) = scripted();
    databases.add("shop.db", driver);
    let rig = Rig::new(databases)?;
    let mut session = rig.session("Databases")?;
    let answer = ask(&mut session, "getTableStructure", &json!({"databaseId": 1, "table": "items"}))?;
    let string = |text: &str| json!({"type": "string", "value": text});
    let boolean = |value: bool| json!({"type": "boolean", "value": value});
    assert_eq!(
        answer["success"],
        json!({
            "structureColumns": ["column_name", "data_type", "nullable", "default", "primary_key", "foreign_key"],
            "structureValues": [[
                string("id"), string("INTEGER"), boolean(false), {"type": "null"}, boolean(true), string("other(id)"),
            ]],
            "indexesColumns": ["index_name", "unique", "indexed_column_name"],
            "indexesValues": [[string("both"), boolean(true), string("a,b")]],
        })
    );
    Ok(())
}

#[test]
fn a_statement_ends_in_each_of_its_ways() -> Result {
    let databases = Databases::new();
    let (driver, _script) = scripted();
    databases.add("shop.db", driver);
    let rig = Rig::new(databases)?;
    let mut session = rig.session("Databases")?;
    let mut run = |sql: &str| ask(&mut session, "execute", &json!({"databaseId": 1, "value": sql}));
    assert_eq!(run("insert")?["success"], json!({"type": "insert", "columns": [], "values": [], "insertedId": 7}));
    assert_eq!(run("insert much")?["success"]["insertedId"], "9223372036854775807");
    assert_eq!(
        run("update")?["success"],
        json!({"type": "update_delete", "columns": [], "values": [], "affectedCount": 3})
    );
    let select = run("select")?;
    assert_eq!(select["success"]["type"], "select");
    assert_eq!(select["success"]["columns"], json!(["a", "b"]));
    let (nothing, yes) = (json!({"type": "null"}), json!({"type": "boolean", "value": true}));
    let more = json!({"type": "string", "value": "… there are more rows, only the first 2 are shown"});
    assert_eq!(select["success"]["values"], json!([[nothing, yes], [nothing, yes], [more, nothing]]));
    assert_eq!(
        run("slect")?["error"],
        json!({"code": 3, "message": "near \"slect\": syntax error", "name": "SqlError"})
    );
    assert_eq!(run("panic")?["error"]["name"], "DriverPanicked");
    assert_eq!(run("update")?["success"]["affectedCount"], 3, "it goes on");
    Ok(())
}

#[test]
fn nothing_that_the_desktop_may_ask_is_answered_with_an_error_that_makes_it_ask_again() -> Result {
    let databases = Databases::new();
    let (driver, script) = scripted();
    databases.add("shop.db", driver);
    let rig = Rig::new(databases)?;
    let mut session = rig.session("Databases")?;
    let bad = [
        "null",
        "{}",
        "[]",
        "7",
        r#"{"databaseId":1}"#,
        r#"{"databaseId":0,"table":"items"}"#,
        r#"{"databaseId":-1,"table":"items"}"#,
        r#"{"databaseId":2,"table":"items"}"#,
        r#"{"databaseId":1.5,"table":"items"}"#,
        r#"{"databaseId":"x","table":"items"}"#,
        r#"{"databaseId":18446744073709551615,"table":"items"}"#,
        r#"{"databaseId":1,"table":""}"#,
        r#"{"databaseId":1,"table":7}"#,
        r#"{"databaseId":1,"table":"panic"}"#,
        r#"{"databaseId":1,"table":"items","start":"x"}"#,
        r#"{"databaseId":{},"table":"items"}"#,
    ];
    for params in bad {
        let answer = call(&mut session, "Databases", "getTableData", params)?;
        let data = &answer["success"];
        assert_eq!(data["columns"], json!(["error"]), "{params}: {answer}");
        assert_eq!(data["values"].as_array().map(Vec::len), Some(1));
        assert!(data["values"][0][0]["value"].as_str().is_some_and(|text| !text.is_empty()));
        if !params.contains("panic") && !params.contains("start") {
            let answer = call(&mut session, "Databases", "getTableStructure", params)?;
            assert_eq!(answer["success"]["structureColumns"], json!(["error"]), "{params}: {answer}");
        }
        let answer = call(&mut session, "Databases", "getTableInfo", params)?;
        assert!(answer["success"]["definition"].as_str().is_some_and(|text| text.starts_with("-- ")), "{answer}");
        let answer = call(&mut session, "Databases", "execute", params)?;
        assert!(answer["error"]["code"].is_u64() && answer["error"]["message"].is_string(), "{params}: {answer}");
    }
    let answer = ask(&mut session, "getTableInfo", &json!({"databaseId": 1, "table": "x"}))?;
    assert_eq!(answer["success"], json!({"definition": "-- no such table: x\n-- at all"}));
    while script.asked.try_recv().is_ok() {}

    let clamped = [
        (json!({"start": -5, "count": -1}), "0 0"),
        (json!({"start": 1e300, "count": 1e300}), "9007199254740992 1000"),
        (json!({"start": 2.9, "count": 50.5}), "2 50"),
        (json!({"start": null, "count": null, "order": null, "reverse": null}), "0 50"),
        (json!({}), "0 50"),
    ];
    for (mut params, asked) in clamped {
        params["databaseId"] = json!(1);
        params["table"] = json!("items");
        ask(&mut session, "getTableData", &params)?;
        assert_eq!(script.next()?, format!("items None false {asked}"), "{params}");
    }
    Ok(())
}

#[test]
fn a_slow_statement_holds_up_no_other_database_and_what_is_asked_twice_is_done_once() -> Result {
    let databases = Databases::new();
    let (slow, script) = scripted();
    let (quick, other) = scripted();
    databases.add("slow.db", slow);
    databases.add("quick.db", quick);
    let rig = Rig::new(databases)?;
    let mut session = rig.session("Databases")?;
    list(&mut session)?;
    assert_eq!((script.next()?, other.next()?), ("tables".to_owned(), "tables".to_owned()));

    session.call(1, "Databases", "execute", r#"{"databaseId":1,"value":"wait"}"#)?;
    assert_eq!(script.next()?, "wait");
    for id in [2, 3] {
        session.call(id, "Databases", "getTableStructure", r#"{"databaseId":1,"table":"items"}"#)?;
    }
    session.call(4, "Databases", "execute", r#"{"databaseId":1,"value":"update"}"#)?;
    session.call(5, "Databases", "getTableStructure", r#"{"databaseId":1,"table":"items"}"#)?;
    // The other database answers, and so does the list, with what it knows of the busy one.
    let answer = ask(&mut session, "execute", &json!({"databaseId": 2, "value": "update"}))?;
    assert_eq!(answer["success"]["affectedCount"], 3);
    assert_eq!(list(&mut session)?[0]["tables"], json!(["items"]));

    script.go_on.send(())?;
    for id in 1..=5 {
        let answer = session.receive()?;
        assert_eq!(answer["id"], id);
        assert!(answer["success"].is_object(), "{answer}");
    }
    let asked: Vec<_> = script.asked.try_iter().collect();
    assert_eq!(asked, ["structure items", "update", "structure items"], "not before a change and after it in one");
    Ok(())
}

#[test]
fn what_finds_no_room_or_waits_too_long_is_told_that_the_database_is_busy() -> Result {
    let mut limits = Limits::default();
    limits.waiting = 2;
    limits.deadline = Duration::ZERO;
    let databases = Databases::with_limits(limits);
    let (driver, script) = scripted();
    databases.add("shop.db", driver);
    let rig = Rig::new(databases)?;
    let mut session = rig.session("Databases")?;
    // There is no time at all for it.
    let answer = ask(&mut session, "execute", &json!({"databaseId": 1, "value": "update"}))?;
    assert_eq!(answer["error"]["name"], "Busy", "{answer}");
    let answer = ask(&mut session, "getTableData", &json!({"databaseId": 1, "table": "items"}))?;
    assert_eq!(answer["success"]["columns"], json!(["error"]));
    assert!(script.asked.try_recv().is_err(), "nothing was done");

    let mut limits = Limits::default();
    limits.waiting = 2;
    let databases = Databases::with_limits(limits);
    let (driver, script) = scripted();
    databases.add("shop.db", driver);
    let rig = Rig::new(databases)?;
    let mut session = rig.session("Databases")?;
    session.call(1, "Databases", "execute", r#"{"databaseId":1,"value":"wait"}"#)?;
    assert_eq!(script.next()?, "wait");
    for id in 2..=4 {
        session.call(id, "Databases", "execute", r#"{"databaseId":1,"value":"update"}"#)?;
    }
    let refused = session.receive()?;
    assert_eq!((&refused["id"], &refused["error"]["name"]), (&json!(4), &json!("Busy")));
    script.go_on.send(())?;
    for id in 1..=3 {
        let answer = session.receive()?;
        assert_eq!(answer["id"], id);
        assert!(answer["success"].is_object(), "{answer}");
    }
    Ok(())
}
