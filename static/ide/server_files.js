/**
 * A bot's files on the server: bytes in and out, with their etags.
 */
import { ApiError, api, request } from "../shared/server.js"
import { fileUrl } from "./paths.js"

/** @typedef {{bytes: ArrayBuffer, etag: string}} Stored */
/** @typedef {{etag: string, bytes: number, changed: string[]}} Put */

/** @param {string} etag with or without the quotes of HTTP */
export const bareEtag = (etag) => etag.replace(/^W\//, "").replace(/^"|"$/g, "")

/** @param {string} botId @param {string} path @returns {Promise<Stored>} */
export async function getFile(botId, path) {
  const response = await request("GET", fileUrl(botId, path), { headers: { Accept: "*/*" } })
  return { bytes: await response.arrayBuffer(), etag: bareEtag(response.headers.get("ETag") ?? "") }
}

/**
 * @param {string} botId
 * @param {string} path
 * @param {BodyInit} body
 * @param {string | null} [etag] replace only this copy; null: only where no such file exists; undefined: in any case
 * @returns {Promise<Put>}
 */
export async function putFile(botId, path, body, etag) {
  /** @type {Record<string, string>} */
  const headers = { "Content-Type": "application/octet-stream" }
  if (etag) headers["If-Match"] = `"${etag}"`
  if (etag === null) headers["If-None-Match"] = "*"
  const answer = await api("PUT", fileUrl(botId, path), { body, headers })
  return { ...answer, etag: bareEtag(answer.etag) }
}

/** @param {string} botId @param {string} path */
export function deleteFile(botId, path) {
  return api("DELETE", fileUrl(botId, path))
}

/** @param {string} botId @param {string} from @param {string} to */
export function renameFile(botId, from, to) {
  return api("POST", `bots/${botId}/rename`, { json: { from, to } })
}

/**
 * The text of a file, or null where it is not text (NUL or not UTF-8) or longer than the editor shows.
 * @param {ArrayBuffer} bytes
 * @param {number} limit
 */
export function textOf(bytes, limit) {
  if (bytes.byteLength > limit) return null
  const all = new Uint8Array(bytes)
  if (all.includes(0)) return null
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(all)
  } catch {
    return null
  }
}

/** What the server has now, for a save that lost a race. @param {string} botId @param {string} path @param {number} limit */
export async function theirs(botId, path, limit) {
  try {
    const { bytes, etag } = await getFile(botId, path)
    return { text: textOf(bytes, limit), etag }
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return { text: null, etag: null }
    throw error
  }
}
