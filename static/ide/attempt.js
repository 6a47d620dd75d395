/**
 * Does something that the server may refuse, and says so.
 */
import { ApiError } from "../shared/server.js"
import { toast } from "../shared/toast.js"

/**
 * @param {string} what what did not happen, as a sentence; "" where the server's own says enough
 * @param {() => Promise<unknown>} work
 */
export async function attempt(what, work) {
  try {
    await work()
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.code === "sign_in") location.assign("/login")
    else toast(`${what} ${error.message}`.trim(), { kind: "bad" })
  }
}
