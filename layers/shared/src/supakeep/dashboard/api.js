// The admin API, and nothing else, is what this page talks to.

const BASE = new URL("../api/admin/", location.href);
const KEY = "supakeep-admin-key";
const SLOW_MILLISECONDS = 60000;

export class ApiError extends Error {
  constructor(status, message, hint) {
    super(message);
    this.status = status;
    this.hint = hint;
  }
}

let requestKey = () => Promise.reject(new ApiError(401, "Unauthorized"));

/** `ask` returns a promise of a key; it is asked once at a time, with the reason. */
export function whenKeyIsNeeded(ask) {
  let asked = null;
  requestKey = (reason) => {
    asked ??= ask(reason).finally(() => { asked = null; });
    return asked;
  };
}

export function keepKey(key) {
  sessionStorage.setItem(KEY, key);
}

export function forgetKey() {
  sessionStorage.removeItem(KEY);
}

export function hasKey() {
  return Boolean(sessionStorage.getItem(KEY));
}

export const get = (path, signal) => call("GET", path, undefined, signal);
export const put = (path, body, signal) => call("PUT", path, body, signal);
export const remove = (path, signal) => call("DELETE", path, undefined, signal);
export const post = (path, body, signal) => call("POST", path, body ?? {}, signal);

async function call(method, path, body, signal) {
  for (;;) {
    const key = sessionStorage.getItem(KEY) ?? await requestKey(null);
    const answer = await send(method, path, body, key, signal);
    if (answer.status !== 401) return answerOf(answer);
    // another request may have got a new key meanwhile
    if (sessionStorage.getItem(KEY) === key) {
      forgetKey();
      await requestKey("Unauthorized");
    }
  }
}

/** Whether the key opens the API: true, false, or an ApiError where it cannot be found out. */
export async function tryKey(key) {
  const answer = await send("GET", "settings", undefined, key);
  if (answer.status === 401) return false;
  await answerOf(answer);
  return true;
}

async function send(method, path, body, key, signal) {
  const limits = [AbortSignal.timeout(SLOW_MILLISECONDS), ...(signal ? [signal] : [])];
  try {
    return await fetch(new URL(path, BASE), {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.any(limits),
      credentials: "omit",
      cache: "no-store",
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    const slow = error.name === "TimeoutError";
    throw new ApiError(
      0,
      slow ? "The API does not answer in time" : "The API cannot be reached",
      "Check your connection and try again. What already runs goes on by itself.",
    );
  }
}

async function answerOf(answer) {
  const text = await answer.text();
  let fields = null;
  try {
    fields = JSON.parse(text);
  } catch {
    fields = null;
  }
  if (answer.ok && fields !== null) return fields;
  const status = answer.ok ? "The API's answer is not whole" : `The API answered with status ${answer.status}`;
  throw new ApiError(
    answer.status,
    fields?.error ?? fields?.message ?? status,
    fields?.hint ?? "Try again. If it stays like this, look at the function's log.",
  );
}
