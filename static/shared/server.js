/**
 * Talks to our HTTP API: JSON in and out, one error class, the session and its CSRF token.
 */

/** @typedef {{id: string, name: string, guest: boolean}} User */

/**
 * @typedef {object} Options
 * @property {unknown} [json] sent as the JSON body
 * @property {BodyInit} [body] sent as it is
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 * @property {string | null} [visitor] a visitor's secret, or null for a new visitor: no session is made for the request
 */

const ROOT = "/api/v1/"
const SAFE = new Set(["GET", "HEAD"])

/** A request that failed. `status` is 0 when the server could not be reached. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} code one machine word: `offline`, `csrf`, `lost_race`, …
   * @param {string} message a sentence to show
   * @param {any} [body] the whole JSON answer, or null
   * @param {number | null} [retrySeconds] what Retry-After says; null where it says nothing
   */
  constructor(status, code, message, body = null, retrySeconds = null) {
    super(message)
    this.name = "ApiError"
    this.status = status
    this.code = code
    this.body = body
    this.retrySeconds = retrySeconds
  }
}

let csrf = ""
/** @type {Promise<User> | null} */
let session = null

/**
 * The signed-in user, or a new guest. One request however often it is called.
 * @returns {Promise<User>}
 */
export function ensureSession() {
  session ??= openSession().catch((error) => {
    session = null
    throw error
  })
  return session
}

/** Forgets the session, so that the next request asks again: after signing in or out. */
export function dropSession() {
  session = null
  csrf = ""
}

/**
 * One request, answered with parsed JSON (null where the body is empty).
 * @param {string} method
 * @param {string} path below /api/v1/, or absolute when it begins with "/"
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
export async function api(method, path, options = {}) {
  const response = await request(method, path, options)
  const text = await response.text()
  return text ? JSON.parse(text) : null
}

/**
 * One request, answered with the response itself. Throws ApiError for any status that is not 2xx.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<Response>}
 */
export async function request(method, path, options = {}) {
  const isUnsafe = !SAFE.has(method)
  if (isUnsafe && options.visitor === undefined) await ensureSession()
  const response = await send(method, path, options)
  if (response.ok) return response
  const error = await failure(response)
  const isStale = error.code === "csrf" || (error.status === 401 && options.visitor === undefined)
  if (!isUnsafe || !isStale) throw error
  dropSession()
  await ensureSession()
  const second = await send(method, path, options)
  if (second.ok) return second
  throw await failure(second)
}

/**
 * One request whose answer is JSON lines, each given as it arrives.
 * @param {string} method
 * @param {string} path
 * @param {Options} [options]
 * @returns {AsyncGenerator<any, void, void>}
 */
export async function* apiLines(method, path, options = {}) {
  const headers = { Accept: "application/x-ndjson", ...options.headers }
  const response = await request(method, path, { ...options, headers })
  if (!response.body) return
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ""
  for (;;) {
    const { done, value } = await reader.read()
    const lines = (rest + (value ?? "")).split("\n")
    rest = done ? "" : lines.pop() ?? ""
    for (const line of lines) if (line.trim()) yield JSON.parse(line)
    if (done) return
  }
}

/** @returns {Promise<User>} */
async function openSession() {
  const response = await send("POST", "session", { json: {} })
  if (!response.ok) throw await failure(response)
  const answer = await response.json()
  csrf = answer.csrf
  return answer.user
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Options} options
 */
async function send(method, path, { json, body, headers, signal, visitor }) {
  const all = new Headers({ Accept: "application/json", ...headers })
  if (json !== undefined) all.set("Content-Type", "application/json")
  if (visitor) all.set("X-Visitor", visitor)
  if (csrf && !SAFE.has(method)) all.set("X-CSRF-Token", csrf)
  const url = path.startsWith("/") ? path : ROOT + path
  try {
    return await fetch(url, { method, headers: all, body: json === undefined ? body : JSON.stringify(json), signal })
  } catch (error) {
    if (signal?.aborted) throw error
    throw new ApiError(0, "offline", "The server can't be reached. Check the connection and try again.")
  }
}

/**
 * @param {Response} response
 * @returns {Promise<ApiError>}
 */
async function failure(response) {
  const body = await response.json().catch(() => null)
  const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10)
  const message = body?.error ?? `The server answered ${response.status}. Try again in a moment.`
  return new ApiError(response.status, body?.code ?? "unknown", message, body, Number.isNaN(seconds) ? null : seconds)
}
