echo "Welcome to the shell."
printf "Your name: "
read -r name
printf "Favourite colour: "
read -r colour
echo "Hello $name, here is ${colour^^}:"
seq 3 | tac | xargs echo counting
exit 4
