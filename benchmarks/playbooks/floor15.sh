# The same fifteen things, looked at as cheaply as a shell can. $1 is the farm.
export LC_ALL=C
cd "$1" || exit 1
dpkg-query -W -f 'package ${Package} ${db:Status-Status}\n' bash coreutils openssh-server
getent passwd daemon mail | while IFS=: read -r name _; do echo "account $name"; done
stat -c 'rights %n %U %G %a' etc data log etc/app.conf etc/app.env etc/limits.conf etc/app.service
sha256sum etc/app.conf etc/app.env etc/limits.conf etc/app.service |
    while read -r sum _; do echo "sum $sum"; done
echo "archive $(readlink opt/current)"
echo "image $(docker image inspect --format '{{.Id}}' example/app:1.0)"
echo "container $(docker container inspect --format '{{.State.Status}}' app)"
echo @end
