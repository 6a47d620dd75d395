/**
 * Lets files be dropped onto a pane, which shows it while they hover.
 */

/**
 * @param {HTMLElement} host
 * @param {string} className set while files hover
 * @param {(files: File[], target: Element) => void} onFiles
 */
export function dropTarget(host, className, onFiles) {
  const hasFiles = (/** @type {DragEvent} */ event) => event.dataTransfer?.types.includes("Files") ?? false
  host.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    host.classList.add(className)
  })
  host.addEventListener("dragleave", (event) => {
    if (!host.contains(/** @type {Node | null} */ (event.relatedTarget))) host.classList.remove(className)
  })
  host.addEventListener("drop", (event) => {
    if (!hasFiles(event)) return
    event.preventDefault()
    host.classList.remove(className)
    const files = [...(event.dataTransfer?.files ?? [])]
    if (files.length && event.target instanceof Element) onFiles(files, event.target)
  })
}
