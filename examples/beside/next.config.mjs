export default {
  // This folder: Next would take the whole clone, for the lock file that is there.
  turbopack: { root: import.meta.dirname },
};
