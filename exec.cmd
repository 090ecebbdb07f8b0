@rem package.json says "exec node ..." so that the shell npm starts gives way to node and signals reach it. cmd.exe has no exec.
@%*
