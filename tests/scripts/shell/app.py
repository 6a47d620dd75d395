import subprocess

result = subprocess.run(["bash", "hello.sh"])
print(f"The shell said goodbye with {result.returncode}.")
