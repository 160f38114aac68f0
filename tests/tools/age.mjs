// age's command line, as far as docs/format.md uses it: age -d -i IDENTITY FILE, by typage, which is another
// implementation than the one that encrypted.
import { readFileSync, writeSync } from "node:fs";
import { Decrypter } from "age-encryption";

const [decrypt, option, identities, file, ...others] = process.argv.slice(2);
if (decrypt !== "-d" || option !== "-i" || !file || others.length) {
  console.error("usage: age -d -i IDENTITY FILE");
  process.exit(2);
}
const decrypter = new Decrypter();
for (const line of readFileSync(identities, "utf8").split("\n")) {
  if (line && !line.startsWith("#")) decrypter.addIdentity(line.trim());
}
const content = await decrypter.decrypt(readFileSync(file));
for (let start = 0; start < content.length; ) start += writeSync(1, content, start);
