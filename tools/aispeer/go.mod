module github.com/quaywatch/quaywatch/tools/aispeer

go 1.26

require github.com/BertoldVdb/go-ais v0.4.0

require github.com/adrianmo/go-nmea v1.3.0 // indirect
