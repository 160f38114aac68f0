// A hosted project's Data API learns of new tables, columns and functions by itself; Supabase Lite reads the
// schema once, with the first request. Preloaded into it, this makes it look first whether the schema changed.
import { PostgresConnection } from "@supabase/lite/postgres";

// Every change of a schema writes rows of these catalogs, and every write changes a row's xmin.
const VERSION = `
  select (select sum(xmin::text::bigint) || '.' || count(*) from pg_class) || '/' ||
         (select sum(xmin::text::bigint) || '.' || count(*) from pg_attribute) || '/' ||
         (select sum(xmin::text::bigint) || '.' || count(*) from pg_proc) || '/' ||
         (select sum(xmin::text::bigint) || '.' || count(*) from pg_constraint) as version`;

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
