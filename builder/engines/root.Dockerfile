# A root file system of pinned packages, as it was unpacked: no base image, no registry, no apt-get.
FROM scratch
COPY . /
