/**
 * The door to file_changes.js, which is fetched when a person first changes the list of files.
 */

/** @typedef {ReturnType<typeof createFileWork>} FileWork */

/**
 * @param {import("./state.js").IdeStore} store
 * @param {import("./workspace.js").Workspace} workspace
 * @param {{file_bytes?: number}} limits
 */
export function createFileWork(store, workspace, limits) {
  /** @type {Promise<import("./file_changes.js").FileChanges> | null} */
  let loading = null
  const changes = () =>
    (loading ??= import("./file_changes.js").then((module) => module.createFileChanges(store, workspace, limits)))

  return {
    /** Makes an empty file and opens it. @param {string} path */
    create: async (path) => (await changes()).create(path),
    /** Adds a line to requirements.txt and shows it. @param {string} requirement @param {() => void} onRun */
    require: async (requirement, onRun) => (await changes()).require(requirement, onRun),
    /** Both with a slash at the end for a folder. @param {string} from @param {string} to */
    rename: async (from, to) => (await changes()).rename(from, to),
    /** @param {string} path a file, or a folder with a slash at the end */
    remove: async (path) => (await changes()).remove(path),
    /** @param {Iterable<File>} files @param {string} [folder] with its slash */
    upload: async (files, folder) => (await changes()).upload(files, folder),
    /** @param {string} path */
    download: async (path) => (await changes()).download(path)
  }
}
