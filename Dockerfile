# The suite with its locked dependencies: docker build -t wtal . && docker run -v "$PWD/results:/wtal/results" wtal
FROM python:3.11-slim
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends git make && rm -rf /var/lib/apt/lists/*
WORKDIR /wtal
COPY . .
RUN make environment VENV=/opt/wtal
ENV PATH=/opt/wtal/bin:$PATH
CMD ["snakemake", "--cores", "all"]
