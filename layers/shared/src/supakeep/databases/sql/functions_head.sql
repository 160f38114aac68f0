-- What the `rest` engine calls through the Data API.
--
-- PostgREST's table endpoints do not show identity or generated columns, cut pages silently,
-- and cannot OVERRIDE an identity or advance a sequence. These functions can, and they hand rows over
-- as the text that Postgres itself makes of them, so that no digit passes through a JSON number.
-- Each request is one JSON object in a parameter of type text, so that nothing between here and there
-- reads its numbers. They run with the caller's own rights (SECURITY INVOKER): they allow nothing that the caller
-- may not do anyway, and only service_role may call them. Those that only help are in a schema of their own, which the
-- Data API does not expose.
--
-- statement_timeout: PostgREST 12.2 and later apply a function's own to the whole request, in place of the role's
-- (8 s on a hosted project). The gateway in front of it gives up after 60 s.

create schema if not exists supakeep;
comment on schema supakeep is 'Supakeep''s own; the Data API must not expose it';
