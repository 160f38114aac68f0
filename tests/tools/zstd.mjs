// zstd's command line, as far as docs/format.md uses it: zstd -dc, from standard input.
import { pipeline } from "node:stream/promises";
import { createZstdDecompress } from "node:zlib";

if (process.argv.slice(2).join(" ") !== "-dc") {
  console.error("usage: zstd -dc");
  process.exit(2);
}
await pipeline(process.stdin, createZstdDecompress(), process.stdout);
