/**
 * What a person does with files as a whole: make, rename, delete with undo, upload. Fetched when it is first done.
 */
import { ApiError } from "../shared/server.js"
import { toast } from "../shared/toast.js"
import { confirmed } from "./dialog.js"
import { REQUIREMENTS, withRequirement } from "./missing_import.js"
import { deleteFile, getFile, putFile, renameFile, textOf } from "./server_files.js"

/** @typedef {import("./workspace.js").Workspace} Workspace */
/** @typedef {ReturnType<typeof createFileChanges>} FileChanges */

const UNDO_SECONDS = 10
const REQUIREMENTS_BYTES = 64 * 1024

/**
 * @param {import("./state.js").IdeStore} store
 * @param {Workspace} workspace
 * @param {{file_bytes?: number}} limits
 */
export function createFileChanges(store, workspace, limits) {
  const paths = () => store.get("files").map(({ path }) => path)

  /** @param {string} what @param {unknown} error */
  const failed = (what, error) => {
    if (!(error instanceof ApiError)) throw error
    toast(`${what} ${error.message}`, { kind: "bad" })
  }

  const changes = {
    /** @param {string} path @returns {Promise<boolean>} */
    async create(path) {
      try {
        const { etag, bytes, changed } = await putFile(workspace.botId, path, "", null)
        workspace.noted({ path, bytes, etag }, changed)
        await workspace.show(path)
        return true
      } catch (error) {
        failed(`${path} was not made.`, error)
        return false
      }
    },

    /** Adds a line to requirements.txt, which is made where it is missing, and shows it. @param {string} requirement @param {() => void} onRun */
    async require(requirement, onRun) {
      const botId = workspace.botId
      try {
        await workspace.saveAll()
        const stored = paths().includes(REQUIREMENTS) ? await getFile(botId, REQUIREMENTS) : null
        const before = stored ? textOf(stored.bytes, REQUIREMENTS_BYTES) : ""
        if (before === null) return void toast(`${REQUIREMENTS} is not text that can be added to`, { kind: "bad" })
        const text = withRequirement(before, requirement)
        const answer = await putFile(botId, REQUIREMENTS, text, stored ? stored.etag : null)
        if (botId !== workspace.botId) return
        workspace.noted({ path: REQUIREMENTS, bytes: answer.bytes, etag: answer.etag }, answer.changed)
        await workspace.show(REQUIREMENTS)
        const says = text === before ? "is there already" : "was added"
        toast(`${requirement} ${says}: the next Run installs it`, { action: "Run", onAction: onRun })
      } catch (error) {
        failed(`${requirement} was not added.`, error)
      }
    },

    /** Renames a file, or every file of a folder (both with a slash at the end). @param {string} from @param {string} to */
    async rename(from, to) {
      const moved = from.endsWith("/") ? paths().filter((path) => path.startsWith(from)) : [from]
      try {
        await workspace.saveAll()
        for (const path of moved) {
          const target = to + path.slice(from.length)
          await renameFile(workspace.botId, path, target)
          workspace.renamed(path, target)
        }
        await workspace.refresh()
      } catch (error) {
        failed(`${from} was not renamed.`, error)
      }
    },

    /** Deletes a file or a folder at once; a toast brings it back. @param {string} target */
    async remove(target) {
      const gone = target.endsWith("/") ? paths().filter((path) => path.startsWith(target)) : [target]
      const botId = workspace.botId
      /** @type {{path: string, bytes: ArrayBuffer}[]} */
      const kept = []
      try {
        await workspace.saveAll()
        for (const path of gone) {
          kept.push({ path, bytes: (await getFile(botId, path)).bytes })
          await deleteFile(botId, path)
          workspace.dropped(path)
        }
      } catch (error) {
        failed(`${target} was not deleted.`, error)
      }
      if (!kept.length) return
      await workspace.refresh().catch(() => {})
      toast(`${target.replace(/\/$/, "")} deleted`, {
        action: "Undo",
        seconds: UNDO_SECONDS,
        onAction: () => void restore(botId, kept)
      })
    },

    /** @param {Iterable<File>} files @param {string} [folder] with its slash */
    async upload(files, folder = "") {
      let count = 0
      for (const file of files) if (await send(file, folder + file.name)) count += 1
      if (!count) return
      await workspace.refresh().catch(() => {})
      toast(count === 1 ? "1 file uploaded" : `${count} files uploaded`)
    },

    /** @param {string} path */
    async download(path) {
      await workspace.saveAll()
      const { bytes } = await getFile(workspace.botId, path)
      const url = URL.createObjectURL(new Blob([bytes]))
      const link = document.createElement("a")
      link.href = url
      link.download = path.slice(path.lastIndexOf("/") + 1)
      link.click()
      URL.revokeObjectURL(url)
    }
  }

  /** @param {string} botId @param {{path: string, bytes: ArrayBuffer}[]} kept */
  async function restore(botId, kept) {
    try {
      for (const { path, bytes } of kept) {
        const answer = await putFile(botId, path, bytes, null)
        if (botId === workspace.botId) workspace.noted({ path, bytes: answer.bytes, etag: answer.etag }, answer.changed)
      }
      if (botId === workspace.botId && kept[0]) await workspace.show(kept[0].path)
    } catch (error) {
      failed("It was not brought back.", error)
    }
  }

  /** @param {File} file @param {string} path @returns {Promise<boolean>} */
  async function send(file, path) {
    const most = limits.file_bytes ?? Infinity
    if (file.size > most) {
      toast(`${file.name} is too large: ${mebibytes(file.size)} of ${mebibytes(most)}`, { kind: "bad" })
      return false
    }
    try {
      return await put(file, path, null)
    } catch (error) {
      const isThere = error instanceof ApiError && error.status === 412
      if (!isThere) failed(`${file.name} was not uploaded.`, error)
      else if (await confirmed({ title: `Replace ${path}?`, text: "A file of that name is here already.", verb: "Replace" }))
        return put(file, path)
      return false
    }
  }

  /** @param {File} file @param {string} path @param {null} [onlyNew] @returns {Promise<boolean>} */
  async function put(file, path, onlyNew) {
    const { etag, bytes, changed } = await putFile(workspace.botId, path, file, onlyNew)
    workspace.noted({ path, bytes, etag }, changed)
    return true
  }

  return changes
}

/** As the server counts them, so that both say the same. @param {number} bytes */
function mebibytes(bytes) {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`
}
