// A hosted project's Data API learns of new tables, columns and functions by itself; Supabase Lite reads the
// schema once, with the first request. Preloaded into it, this makes it look first whether the schema changed.
import { PostgresConnection } from "@supabase/lite/postgres";

// Every change of a schema writes rows of these catalogs, and every write changes a row's xmin. An xmin is a number
// only by its age, which has the largest value for rows that initdb wrote.
const PART = (catalog) =>
  `(select sum(origin - age(xmin)) filter (where age(xmin) <> 2147483647) || '.' || count(*) from ${catalog})`;
const VERSION = `
  select concat_ws('/', ${["pg_class", "pg_attribute", "pg_proc", "pg_constraint"].map(PART).join()}) as version
  from (select age(datfrozenxid)::bigint as origin from pg_database where datname = 'template1')`;

const introspect = PostgresConnection.prototype.introspect;

PostgresConnection.prototype.introspect = async function (options) {
  if (options?.useCache) {
    const [{ version }] = await this.driver.unsafe(VERSION);
    if (version !== this.schemaVersion) {
      await this.clearSchemaCache();
      this.schemaVersion = version;
    }
  }
  return introspect.call(this, options);
};
