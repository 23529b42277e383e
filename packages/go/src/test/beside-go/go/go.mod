module besidego

go 1.26
