# The whole project in one image: docker build -t wavbrivl . && docker run --rm -it wavbrivl make demo
# ffmpeg, Java (METEOR) and deno (YouTube) come with the packages; SPICE alone, which wants Java 8 to 11, does not run here.
# Results stay when a folder of yours is mounted over /wavbrivl/results (and /wavbrivl/data).
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install -y --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*

WORKDIR /wavbrivl
COPY requirements.txt pyproject.toml Makefile README.md LICENSE ./
COPY workflow ./workflow
RUN make setup

COPY . .
CMD ["make", "demo"]
