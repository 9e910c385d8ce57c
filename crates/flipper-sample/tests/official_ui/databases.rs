//! Databases: the shop's own, paged, sorted and changed.

use flipper_conformance::Result;
use rusqlite::Connection;

use crate::scene::Scene;

const ROWS: &str = "[class*=TableBodyRowContainer]";

pub(crate) fn part(scene: &Scene) -> Result {
    let Scene { page, shop, .. } = scene;
    page.show("Databases")?;
    page.see("text=shop.db")?;
    table(page, "products")?;
    page.see("text=1-50 of 120 rows")?;
    page.click("label:has(.anticon-right)")?;
    page.see("text=51-100 of 120 rows")?;
    page.see(&format!("{ROWS}:has-text('Steel tray')"))?;

    // The first click sorts downwards, the second one upwards.
    let name = "[class*=TableHeadColumnContainer][title=name]";
    page.click(name)?;
    page.see(&format!("{ROWS} >> nth=0 >> text=Steel vase"))?;
    page.click(name)?;
    page.see(&format!("{ROWS} >> nth=0 >> text=Birch basket"))?;
    scene.picture("databases")?;
    scene.note("databases", ROWS)?;

    page.click("label:has-text('Structure')")?;
    page.see("text=products_name")?;
    scene.note("structure", ROWS)?;
    let structure = page.text("body")?;
    assert!(structure.contains("data_type") && structure.contains("INTEGER"), "{structure}");

    page.click("label:has-text('SQL')")?;
    page.fill("textarea", "UPDATE products SET stock = 4711 WHERE id <= 3")?;
    page.click("button:has-text('Execute')")?;
    page.see("text=Rows affected: 3")?;
    let stock: i64 =
        Connection::open(scene.database())?
            .query_row("SELECT sum(stock) FROM products WHERE id <= 3", [], |row| row.get(0))?;
    assert_eq!(stock, 3 * 4711);
    assert!(shop.get("products?page=0")?.1.contains("4711"));

    page.fill("textarea", "SELECT name, stock FROM products WHERE stock > 4000")?;
    page.click("button:has-text('Execute')")?;
    page.see(&format!("{ROWS}:has-text('Steel chair')"))?;
    scene.picture("databases-sql")?;
    scene.note("sql", ROWS)?;
    page.fill("textarea", "SELECT * FROM nowhere")?;
    page.click("button:has-text('Execute')")?;
    page.see("text=no such table: nowhere")?;
    Ok(())
}

fn table(page: &flipper_conformance::official::OfficialPage, name: &str) -> Result {
    page.click(".ant-select:right-of(:text('Table')) >> nth=0")?;
    page.click(&format!(".ant-select-item-option[title='{name}']"))?;
    Ok(())
}
