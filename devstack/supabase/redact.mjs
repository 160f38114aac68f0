// Supabase Lite prints its keys when it starts. Preloaded into it, this keeps them out of its log.
const secrets = [process.env.SUPABASE_SECRET_KEY, process.env.LITE_JWT_SECRET].filter(Boolean);

for (const stream of [process.stdout, process.stderr]) {
  const write = stream.write.bind(stream);
  stream.write = (chunk, ...rest) =>
    write(typeof chunk === "string" ? secrets.reduce((text, secret) => text.replaceAll(secret, "***"), chunk) : chunk, ...rest);
}
